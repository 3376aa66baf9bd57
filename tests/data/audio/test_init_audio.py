from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from params.audio.readers import AudioFolderReader, SpeechCommandsReader
from params.data import GroupedSplit
from params.models import Audio
from tasks.core.errors import DataError, InputError
from tasks.data.fetch import fetch
from tasks.data.init.scaffold import understand, write_recipe
from tasks.data.prepared.prepare import prepare
from tasks.kinds.recipes import load_recipe
from tests.data.audio.sounds import SPEAKERS, WORDS, spoken, wav, write_words


def test_a_folder_of_words_becomes_a_recipe_split_by_speaker(project: Path, tmp_path: Path) -> None:
    write_words(tmp_path / "words", 4)
    (tmp_path / "words/LICENSE").write_text("free")
    found = understand(project, "words", audio=tmp_path / "words")
    assert found.rows[0] == ("down", "20", "0.5 to 0.5", "5")
    assert "Split: by speaker, 5 of them by the names of the files; nobody is in two parts." in found.notes
    assert "Left out: 1 files that are no sound, by their names." in found.notes
    recipe = load_recipe(write_recipe(project, "words", found.recipe)[0])
    assert isinstance(recipe.data.reader, AudioFolderReader)
    assert isinstance(recipe.data.split, GroupedSplit)
    assert (recipe.data.reader.sample_rate, recipe.data.reader.seconds) == (8_000, 0.5)
    assert isinstance(recipe.student.architecture, Audio)
    assert recipe.evaluate.listen is not None
    fetch(recipe, project)
    prepare(recipe, project)


def test_words_and_speakers_in_names_alone(project: Path, tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    for word in WORDS:
        for speaker in SPEAKERS:
            for number in range(3):
                (tmp_path / "flat" / f"{word}_{speaker}_{number}.wav").write_bytes(wav(spoken(word, speaker, number)))
    found = understand(project, "flat", audio=tmp_path / "flat")
    assert [row[0] for row in found.rows] == ["down", "flat", "up"]
    recipe = load_recipe(write_recipe(project, "flat", found.recipe)[0])
    assert recipe.data.reader.columns_kept == ("speaker",)


def test_without_speakers_the_split_is_by_recording_and_that_is_said(project: Path, tmp_path: Path) -> None:
    for word in ("up", "down"):
        (tmp_path / "words" / word).mkdir(parents=True)
        for number in range(4):
            path = tmp_path / "words" / word / f"{number}.wav"
            path.write_bytes(wav(np.tile(spoken(word, "ann", number), 1 + 4 * (number == 3)), 44_100))
    found = understand(project, "words", audio=tmp_path / "words")
    assert any(note.startswith("Split: by recording, since no names tell who speaks") for note in found.notes)
    recipe = load_recipe(write_recipe(project, "words", found.recipe)[0])
    assert recipe.data.split.kind == "hashed"
    assert isinstance(recipe.data.reader, AudioFolderReader)
    assert recipe.data.reader.sample_rate == 16_000


def test_speech_commands_are_known_by_their_lists(project: Path, tmp_path: Path) -> None:
    for word in ("up", "down"):
        (tmp_path / "words" / word).mkdir(parents=True)
        for speaker in SPEAKERS:
            name = tmp_path / "words" / word / f"{speaker}_nohash_0.wav"
            name.write_bytes(wav(spoken(word, speaker, 0)))
    for part in ("testing", "validation"):
        (tmp_path / "words" / f"{part}_list.txt").write_text("")
    recipe = load_recipe(write_recipe(project, "w", understand(project, "w", audio=tmp_path / "words").recipe)[0])
    assert isinstance(recipe.data.reader, SpeechCommandsReader)


def _nothing(folder: Path) -> None:
    folder.mkdir()


def _one_word(folder: Path) -> None:
    write_words(folder, 1, ("up",))


def _few(folder: Path) -> None:
    for word in ("up", "down"):
        (folder / word).mkdir(parents=True)
        (folder / word / "1.wav").write_bytes(wav(spoken(word, "ann", 0)))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_nothing, "expected at least two folders of recordings, got none"),
        (_one_word, "expected at least two folders of recordings, got `up`"),
        (_few, "expected at least 3 recordings of each word, got 1 of `down`, 1 of `up`"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    make: Callable[[Path], None], said: str, project: Path, tmp_path: Path
) -> None:
    make(tmp_path / "words")
    with pytest.raises(DataError, match=said):
        understand(project, "words", audio=tmp_path / "words")


def test_one_form_of_data_is_given(project: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got --images PATH and --audio PATH"):
        understand(project, "words", audio=tmp_path, images=tmp_path)
