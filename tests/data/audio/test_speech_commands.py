from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from params.audio.listen import Listen
from params.pipeline import Recipe
from params.training import Training
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError, RecipeError
from tasks.evaluate.listening.stream import judging_stream
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData
from tests.data.audio.sounds import RATE, SPEAKERS, spoken, wav

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
READER = {"kind": "speech_commands", "sample_rate": RATE, "seconds": 0.5, "words": ["up", "down"], "unknown": 0.5}
PARTS = ("train", "validation", "test")
PART_OF = {"ann": "test", "ben": "validation"}
SECONDS = 20
"""of noise"""


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """Five speakers, three words, two recordings of each, lists of the split, and noise that tells where it is."""
    folder, lists = tmp_path / "commands", {"test": "", "validation": "", "train": ""}
    for word in ("up", "down", "flat"):
        (folder / word).mkdir(parents=True)
        for speaker in SPEAKERS:
            for number in range(2):
                name = f"{word}/{speaker}_nohash_{number}.wav"
                (folder / name).write_bytes(wav(spoken(word, speaker, number)))
                lists[PART_OF.get(speaker, "train")] += f"{name}\n"
    (folder / "testing_list.txt").write_text(lists["test"])
    (folder / "validation_list.txt").write_text(lists["validation"])
    (folder / "README.md").write_text("words\n")
    (folder / "_background_noise_").mkdir()
    noise = np.random.default_rng(0).standard_normal(SECONDS * RATE) * 0.1
    (folder / "_background_noise_" / "rain.wav").write_bytes(wav(noise))
    return folder


@pytest.fixture
def recipe(make_recipe: MakeRecipe, commands: Path) -> Callable[..., Recipe]:
    def make(**reader: Any) -> Recipe:
        source = {"kind": "folder", "path": str(commands)}
        return make_recipe(source, {**READER, **reader}, split={"kind": "official"})

    return make


def _tables(folder: Path) -> dict[str, list[dict[str, str]]]:
    return {part: pq.read_table(folder / f"{part}.parquet").to_pylist() for part in PARTS}


def test_lists_are_honoured_and_speakers_are_disjoint(recipe: Callable[..., Recipe], prepared: Prepared) -> None:
    tables = _tables(prepared(recipe())[1])
    spoke = {part: {row["speaker"] for row in rows if row["speaker"]} for part, rows in tables.items()}
    assert spoke == {"train": {"cleo", "dan", "eve"}, "validation": {"ben"}, "test": {"ann"}}


def test_unknown_and_silence_are_made_and_a_seed_decides_them(
    recipe: Callable[..., Recipe], prepared: Prepared
) -> None:
    card, folder = prepared(recipe())
    labels = Counter(row["label"] for rows in _tables(folder).values() for row in rows)
    assert card.targets.names == ("down", "silence", "unknown", "up")
    assert labels["up"] == labels["down"] == 10
    assert 0 < labels["unknown"] < 10
    assert labels["unknown"] + card.dropped["other words that are not taken"] == 10
    assert _tables(folder) == _tables(prepared(recipe())[1])
    assert _tables(folder) != _tables(prepared(recipe(seed=1))[1])


def test_noise_never_crosses_parts(recipe: Callable[..., Recipe], prepared: Prepared) -> None:
    pieces = {
        part: [int(row["id"].rpartition(":")[2]) for row in rows if row["label"] == "silence"]
        for part, rows in _tables(prepared(recipe())[1]).items()
    }
    assert max(pieces["train"]) < min(pieces["validation"]) <= max(pieces["validation"]) < min(pieces["test"])
    assert [len(some) for some in pieces.values()] == [32, 4, 4]
    assert max(pieces["train"]) * 0.5 + 0.5 <= 0.8 * SECONDS <= min(pieces["validation"]) * 0.5


def test_without_words_every_folder_is_one_and_noise_may_be_left_out(
    recipe: Callable[..., Recipe], prepared: Prepared
) -> None:
    card, _ = prepared(recipe(words=[], silence=False))
    assert card.targets.names == ("down", "flat", "up")
    assert card.dropped == {"no sound, by its name": 3, "noise": 1}


def test_a_speaker_in_two_parts_is_named(recipe: Callable[..., Recipe], prepared: Prepared, commands: Path) -> None:
    with (commands / "testing_list.txt").open("a") as stream:
        stream.write("up/cleo_nohash_0.wav\n")
    with pytest.raises(DataError, match=r"expected each speaker in one part, got 1 in two: `cleo`"):
        prepared(recipe())


def test_a_word_without_a_folder_and_missing_lists_are_named(
    recipe: Callable[..., Recipe], prepared: Prepared, commands: Path
) -> None:
    with pytest.raises(DataError, match=r"`words`: expected one of the folders down, flat, up, got `left`"):
        prepared(recipe(words=["up", "left"]))
    (commands / "testing_list.txt").unlink()
    with pytest.raises(DataError, match=r"`testing_list.txt`"):
        prepared(recipe())


def test_noise_that_was_recorded_is_mixed_in_and_never_that_of_another_part(
    recipe: Callable[..., Recipe], prepared: Prepared
) -> None:
    data = PreparedData.open_folder(prepared(recipe())[1])
    augment = {"steps": [{"kind": "background", "label": "silence", "chance": 1, "loudest": 1}]}
    augmenter = data.augmenter(Training.model_validate({"epochs": 1, "augment": augment}), seed=0)
    assert augmenter is not None
    train = data.splits.train
    before = train.gather(np.arange(len(train)))
    added = augmenter.apply(before, 0).inputs["inputs"] - before.inputs["inputs"]
    assert (_likeness(added, _noise(data, "train")) > 0.99).all()
    stream = judging_stream(Listen(minutes=0.2, noise=0.5, noise_label="silence"), RATE, data)
    gap = next(stream.pieces())[: stream.spoken[0].start]
    pieces = gap[: len(gap) // len(added[0]) * len(added[0])].reshape(-1, len(added[0]))
    assert (_likeness(pieces, _noise(data, "test")) > 0.99).all()
    assert _likeness(pieces, _noise(data, "train")).max() < 0.5
    assert pieces.std() == pytest.approx(0.5 * data.card.statistics.std[0], rel=0.05)


def _noise(data: PreparedData, part: str) -> Any:
    split = open_split(data.directory, part)
    labels = pq.read_table(data.directory / f"{part}.parquet")["label"].to_pylist()
    return split.gather(np.flatnonzero(np.array(labels) == "silence")).inputs["inputs"]


def _likeness(some: Any, noise: Any) -> Any:
    """Returns the largest correlation of each clip with any of the noise, begun anywhere."""
    spectra, others = (np.fft.rfft(clips / np.linalg.norm(clips, axis=1, keepdims=True)) for clips in (some, noise))
    products = np.fft.irfft(spectra[:, None] * others.conj()[None], n=some.shape[1])
    return products.max(axis=(1, 2))


def test_a_label_without_noise_is_named(recipe: Callable[..., Recipe], prepared: Prepared) -> None:
    data = PreparedData.open_folder(prepared(recipe(silence=False))[1])
    augment = {"steps": [{"kind": "gain"}, {"kind": "background", "label": "silence"}]}
    with pytest.raises(
        RecipeError, match=r"`training.augment.steps.1: label`: expected a label of train clips .* `?silence"
    ):
        data.augmenter(Training.model_validate({"epochs": 1, "augment": augment}), seed=0)
