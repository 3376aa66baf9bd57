from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError
from tests.data.audio.sounds import RATE, SPEAKERS, spoken, wav

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
SOUND = {"sample_rate": RATE, "seconds": 0.5}
PARTS = ("train", "validation", "test")
BY_SPEAKER = {"kind": "grouped", "by": "speaker", "test": ["ann"], "validation": ["ben"]}
WORDS = ("up", "down")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """One recording per speaker: `up`, half a second of nothing, then `down`."""
    folder = tmp_path / "calls"
    (folder / "wav").mkdir(parents=True)
    for speaker in SPEAKERS:
        parts = [spoken("up", speaker, 0), np.zeros(4_000), spoken("down", speaker, 0)]
        (folder / "wav" / f"{speaker}.wav").write_bytes(wav(np.concatenate(parts)))
    return folder


def _clips(folder: Path) -> dict[str, Any]:
    ids = [name for part in PARTS for name in pq.read_table(folder / f"{part}.parquet")["id"].to_pylist()]
    clips = np.concatenate([np.load(folder / f"{part}-00000.inputs.npy") for part in PARTS])
    return dict(zip(ids, clips, strict=True))


def _table(folder: Path, *more: str) -> None:
    rows = [f"wav/{who}.wav,{word},{n},{n + 0.5},{who}" for who in SPEAKERS for n, word in enumerate(WORDS)]
    (folder / "list.csv").write_text("\n".join(["path,label,from,to,who", *rows, *more]) + "\n")


TABLE = {"kind": "audio_table", "table": "list.csv", "start": "from", "end": "to", "speaker": "who", **SOUND}


def test_rows_of_a_table_are_cut_out_of_their_recordings(
    make_recipe: MakeRecipe, prepared: Prepared, recordings: Path
) -> None:
    _table(recordings)
    card, folder = prepared(make_recipe({"kind": "folder", "path": str(recordings)}, TABLE, split=BY_SPEAKER))
    assert card.targets.names == ("down", "up")
    clips = _clips(folder)
    assert len(clips) == 2 * len(SPEAKERS)
    assert np.abs(clips["list.csv:0000002"] - spoken("down", "ann", 0)).max() < 1 / 32768
    assert pq.read_table(folder / "test.parquet")["speaker"].to_pylist() == ["ann", "ann"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("wav/zoe.wav,up,0,1,zoe", r"expected a recording at `wav/zoe.wav` in the source, got no such file"),
        ("wav/ann.wav,up,1,9,ann", r"expected a begin and an end within 1.5 s, got 1 to 9 s"),
        ("wav/ann.wav,up,0.5,0.2,ann", r"got 0.5 to 0.2 s"),
        ("wav/ann.wav,up,x,1,ann", r"expected seconds, got `x`"),
        ("../other/ann.wav,up,0,1,ann", r"expected a path below the source, got `../other/ann.wav`"),
        ("/etc/ann.wav,up,0,1,ann", r"expected a path below the source, got `/etc/ann.wav`"),
        ("touch ran |,up,0,1,ann", r"got a command; Stillhouse runs none"),
    ],
)
def test_rows_that_cannot_be_cut_are_named(
    row: str, said: str, make_recipe: MakeRecipe, prepared: Prepared, recordings: Path
) -> None:
    _table(recordings, row)
    with pytest.raises(DataError, match=rf"`list.csv:0000011`: .*{said}"):
        prepared(make_recipe({"kind": "folder", "path": str(recordings)}, TABLE, split=BY_SPEAKER))


def test_a_column_with_the_split_is_honoured_and_missing_columns_are_named(
    make_recipe: MakeRecipe, prepared: Prepared, recordings: Path
) -> None:
    parts = {"ann": "test", "ben": "validation"}
    rows = [f"wav/{who}.wav,{word},{parts.get(who, 'train')}" for who in SPEAKERS for word in WORDS]
    (recordings / "list.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    reader = {"kind": "audio_table", "table": "list.csv", "split": "split", "longer": "loudest", **SOUND}
    source = {"kind": "folder", "path": str(recordings)}
    card, _ = prepared(make_recipe(source, reader, split={"kind": "official"}, duplicates="keep"))
    assert {name: split.samples for name, split in card.splits.items()} == {"train": 6, "validation": 2, "test": 2}
    with pytest.raises(DataError, match=r"`speaker`: expected one of the columns path, label, split, got `who`"):
        prepared(make_recipe(source, {**reader, "speaker": "who"}, split={"kind": "official"}))


def _kaldi(folder: Path, scp: str = "") -> None:
    (folder / "data").mkdir()
    (folder / "data/wav.scp").write_text(scp + "".join(f"{who} ../wav/{who}.wav\n" for who in SPEAKERS))
    pairs = [(who, word, n) for who in SPEAKERS for n, word in enumerate(WORDS)]
    (folder / "data/text").write_text("".join(f"{who}-{word} {word}\n" for who, word, _ in pairs))
    (folder / "data/segments").write_text("".join(f"{who}-{word} {who} {n} {n + 0.5}\n" for who, word, n in pairs))
    (folder / "data/utt2spk").write_text("".join(f"{who}-{word} {who}\n" for who, word, _ in pairs))


KALDI = {"kind": "kaldi", "folder": "data", **SOUND}


def test_a_folder_of_kaldi_is_read(make_recipe: MakeRecipe, prepared: Prepared, recordings: Path) -> None:
    _kaldi(recordings)
    card, folder = prepared(make_recipe({"kind": "folder", "path": str(recordings)}, KALDI, split=BY_SPEAKER))
    assert np.abs(_clips(folder)["ann-down"] - spoken("down", "ann", 0)).max() < 1 / 32768
    assert pq.read_table(folder / "validation.parquet")["speaker"].to_pylist() == ["ben", "ben"]
    assert card.dropped == {}


def test_a_pipe_of_kaldi_is_never_run(make_recipe: MakeRecipe, prepared: Prepared, recordings: Path) -> None:
    _kaldi(recordings, "zoe touch ran; cat wav/ann.wav |\n")
    with (recordings / "data/text").open("a") as texts, (recordings / "data/segments").open("a") as segments:
        texts.write("zoe-up up\n")
        segments.write("zoe-up zoe 0 0.5\n")
    with pytest.raises(DataError, match=r"`zoe-up`: expected the path of a recording, got a command"):
        prepared(make_recipe({"kind": "folder", "path": str(recordings)}, KALDI, split=BY_SPEAKER))
    assert not [*recordings.rglob("ran"), *Path.cwd().glob("ran")]


def test_a_segment_that_is_none_is_named(make_recipe: MakeRecipe, prepared: Prepared, recordings: Path) -> None:
    _kaldi(recordings)
    with (recordings / "data/text").open("a") as texts:
        texts.write("zoe-up up\n")
    with pytest.raises(DataError, match=r"`zoe-up`: expected a recording, a begin and an end in `segments`, got none"):
        prepared(make_recipe({"kind": "folder", "path": str(recordings)}, KALDI, split=BY_SPEAKER))
