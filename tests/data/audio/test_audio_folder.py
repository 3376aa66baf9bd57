from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError, RecipeError
from tests.data.audio.sounds import RATE, SPEAKERS, coded, spoken, wav, write_words

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
READER = {"kind": "audio_folder", "sample_rate": RATE, "seconds": 0.5, "pattern": "(?P<speaker>[a-z]+)_[0-9]+.wav$"}
BY_SPEAKER = {"kind": "grouped", "by": "speaker", "seed": 0}
PARTS = ("train", "validation", "test")


@pytest.fixture
def words(tmp_path: Path) -> Path:
    write_words(tmp_path / "words", 2)
    return tmp_path / "words"


@pytest.fixture
def recipe(make_recipe: MakeRecipe, words: Path) -> Callable[..., Recipe]:
    def make(split: dict[str, Any] = BY_SPEAKER, arrivals: str = "stop", **reader: Any) -> Recipe:
        source = {"kind": "folder", "path": str(words)}
        more = {"arrivals": {"bad": arrivals, "at_most": 0.5}}
        return make_recipe(source, {**READER, **reader}, split=split, **more)

    return make


def _speakers(folder: Path) -> dict[str, set[str]]:
    return {part: {*pq.read_table(folder / f"{part}.parquet")["speaker"].to_pylist()} for part in PARTS}


def _clips(folder: Path) -> dict[str, Any]:
    ids = [name for part in PARTS for name in pq.read_table(folder / f"{part}.parquet")["id"].to_pylist()]
    clips = np.concatenate([np.load(folder / f"{part}-00000.inputs.npy") for part in PARTS])
    return dict(zip(ids, clips, strict=True))


def test_folders_of_words_become_clips(recipe: Callable[..., Recipe], prepared: Prepared) -> None:
    card, folder = prepared(recipe())
    assert (card.input.layout, card.input.dtype, card.input.shape) == ("waveform", "float32", (4_000,))
    assert card.targets.names == ("down", "flat", "up")
    assert card.preprocessing == {
        "kind": "waveform",
        "rate": 8_000,
        "samples": 4_000,
        "shortest": 800,
        "longer": "refuse",
        "other_rates": "resample",
    }
    assert np.abs(_clips(folder)["up/ann_1.wav"] - spoken("up", "ann", 1)).max() < 1 / 32768


def test_no_speaker_is_in_two_parts(recipe: Callable[..., Recipe], prepared: Prepared) -> None:
    parts = [*_speakers(prepared(recipe())[1]).values()]
    assert {*SPEAKERS} == set.union(*parts)
    assert sum(map(len, parts)) == len(SPEAKERS)


def test_a_speaker_is_left_out_by_name(recipe: Callable[..., Recipe], prepared: Prepared) -> None:
    found = _speakers(prepared(recipe({**BY_SPEAKER, "test": ["cleo"], "validation": ["ann", "dan"]}))[1])
    assert found == {"train": {"ben", "eve"}, "validation": {"ann", "dan"}, "test": {"cleo"}}


def test_a_new_speaker_moves_no_other(recipe: Callable[..., Recipe], prepared: Prepared, words: Path) -> None:
    before = _speakers(prepared(recipe())[1])
    for word in ("up", "down", "flat"):
        (words / word / "zoe_0.wav").write_bytes(wav(spoken(word, "ann", 9)))
    after = _speakers(prepared(recipe())[1])
    assert {part: some - {"zoe"} for part, some in after.items()} == before


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ({**BY_SPEAKER, "test": ["zoe"]}, "expected some of the groups .*ann.*, got `zoe`"),
        ({**BY_SPEAKER, "test": ["ann", "ben", "cleo", "dan", "eve"]}, "expected at least 2 groups .*, got 0"),
    ],
)
def test_groups_that_cannot_be_are_named(
    split: dict[str, Any], said: str, recipe: Callable[..., Recipe], prepared: Prepared
) -> None:
    with pytest.raises(DataError, match=said):
        prepared(recipe(split))


def test_a_split_by_what_the_reader_does_not_keep_is_refused(recipe: Callable[..., Recipe]) -> None:
    with pytest.raises(RecipeError, match=r"`split.by` names `age`"):
        recipe({**BY_SPEAKER, "by": "age"})


def test_words_and_a_published_split_in_file_names(make_recipe: MakeRecipe, prepared: Prepared, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for word in ("up", "down"):
        for number in range(6):
            (flat / f"{word}_ann_{number}.wav").write_bytes(wav(spoken(word, "ann", number)))
    reader = {**READER, "pattern": "(?P<label>[a-z]+)_(?P<speaker>[a-z]+)_", "test": "_[01].wav$"}
    card, folder = prepared(
        make_recipe({"kind": "folder", "path": str(flat)}, reader, split={"kind": "official", "validation": 0.3})
    )
    tested = pq.read_table(folder / "test.parquet")["id"].to_pylist()
    assert tested == ["down_ann_0.wav", "down_ann_1.wav", "up_ann_0.wav", "up_ann_1.wav"]
    assert card.splits["validation"].samples == 2


STEREO = np.stack([spoken("up", "ann", 0, rate=44_100)] * 2, axis=1)
FORMS = {
    "8 bits": (".wav", "PCM_U8"),
    "24 bits": (".wav", "PCM_24"),
    "32 bits": (".wav", "PCM_32"),
    "floating point": (".wav", "FLOAT"),
    "flac": (".flac", "PCM_16"),
    "vorbis": (".ogg", "VORBIS"),
    "mp3": (".mp3", None),
}


def test_other_rates_widths_channels_and_codes_give_the_same_clip(
    recipe: Callable[..., Recipe], prepared: Prepared, words: Path
) -> None:
    names = {f"up/zed_{number}{suffix}": form for number, (form, (suffix, _)) in enumerate(FORMS.items())}
    for name, form in names.items():
        (words / name).write_bytes(coded(STEREO, 44_100, *FORMS[form]))
    split = {"kind": "stratified", "validation": 0.2, "test": 0.2, "seed": 0}
    clips = _clips(prepared(recipe(split, pattern="(?P<speaker>[a-z]+)_[0-9]+[.][a-z0-9]+$"))[1])
    like = clips["up/ann_0.wav"]
    alike = {form: np.corrcoef(clips[name], like)[0, 1] for name, form in names.items()}
    assert {form: value for form, value in alike.items() if value < 0.97} == {}


BAD = {
    "empty.wav": (b"", "expected sound, got an empty file"),
    "cut.wav": (wav(spoken("up", "ann", 0))[:2_000], "the file is cut"),
    "silent.wav": (wav(np.zeros(4_000)), "got silence"),
    "loud.wav": (wav(9 * spoken("up", "ann", 0)), "at full scale"),
    "short.wav": (wav(spoken("up", "ann", 0)[:400]), "expected at least 0.1 s, got 0.05 s"),
    "long.wav": (wav(spoken("up", "ann", 0, 1.5)), "expected at most 0.5 s, got 1.5 s"),
    "text.mp3": (b"no sound at all", "expected wav, flac, ogg or mp3"),
    "adpcm.wav": (wav(spoken("up", "ann", 0)).replace(b"\x10\0\0\0\x01\0", b"\x10\0\0\0\x11\0"), "format 17"),
}


def test_clips_that_teach_nothing_are_named(recipe: Callable[..., Recipe], prepared: Prepared, words: Path) -> None:
    for number, (name, (content, _)) in enumerate(BAD.items()):
        (words / "up" / f"zed_{number}{Path(name).suffix}").write_bytes(content)
    made = recipe(arrivals="quarantine", pattern="(?P<speaker>[a-z]+)_[0-9]+[.](wav|mp3)$")
    card, folder = prepared(made)
    told = (folder / "quarantine.json").read_text()
    assert card.quarantine is not None
    assert card.quarantine.reasons == {"corrupt": len(BAD)}
    assert not [why for _, why in BAD.values() if why not in told]


def test_a_path_that_tells_no_speaker_is_a_bad_sample(
    recipe: Callable[..., Recipe], prepared: Prepared, words: Path
) -> None:
    (words / "up" / "7.wav").write_bytes(wav(spoken("up", "ann", 7)))
    with pytest.raises(DataError, match=r"`up/7.wav`: expected a path like"):
        prepared(recipe())


def test_another_rate_is_refused_by_name_where_the_recipe_says_so(
    recipe: Callable[..., Recipe], prepared: Prepared, words: Path
) -> None:
    (words / "up" / "zed_0.wav").write_bytes(wav(STEREO, 44_100))
    with pytest.raises(DataError, match=r"`up/zed_0.wav`: expected 8000 Hz, got 44100 Hz"):
        prepared(recipe(other_rates="refuse"))


def test_a_long_file_gives_its_loudest_part_where_the_recipe_says_so(
    recipe: Callable[..., Recipe], prepared: Prepared, words: Path
) -> None:
    long = np.concatenate([np.zeros(400), spoken("up", "ann", 0), np.zeros(9_000)])
    (words / "up" / "ann_0.wav").write_bytes(wav(long))
    got = _clips(prepared(recipe(longer="loudest"))[1])["up/ann_0.wav"]
    assert min(np.abs(np.roll(got, n) - spoken("up", "ann", 0)).max() for n in range(-9, 10)) < 2e-3


def test_files_that_are_no_sound_are_counted(recipe: Callable[..., Recipe], prepared: Prepared, words: Path) -> None:
    (words / "LICENSE").write_text("free")
    assert prepared(recipe())[0].dropped == {"no sound, by its name": 1}
