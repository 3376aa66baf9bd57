"""Listening: words in sound that does not end, each told once, with a state that does not grow."""

import io
import json
import sys
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.runtime.bundle.manifest import read_manifest
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.cli import main
from tasks.runtime.errors import ManifestError, SettingsError, WrongInputError
from tasks.runtime.listen.listener import Listener, listener_of
from tasks.runtime.listen.rules import Decider, DetectedWord, ListenRules
from tasks.runtime.listen.stream import samples_of
from tests.data.audio.sounds import spoken, wav
from tests.runtime.audio.conftest import ALWAYS, CLIPS, RATE, RULES
from tests.runtime.audio.test_waveform import written
from tests.runtime.devices import set_up
from tests.runtime.tuf_world import World

NAMES = ("loud", "silence")
Clips = NDArray[np.float32]


def by_loudness(inputs: Mapping[str, Clips]) -> Sequence[Mapping[str, object]]:
    """A model that hears `loud` where a window is."""
    loud = float(min(1.0, np.abs(inputs["inputs"]).mean() / 0.05))
    return [{"probabilities": {"loud": loud, "silence": 1 - loud}}]


def listening(rules: ListenRules = RULES) -> Listener:
    return Listener(by_loudness, NAMES, CLIPS, rules)


def heard_in(pieces: Sequence[Clips], rules: ListenRules = RULES) -> list[DetectedWord]:
    listener = listening(rules)
    return [detected for piece in [*pieces, listener.silence()] for detected in listener.feed(piece)]


def sound_with_words_at(*seconds: float, length: float = 12.0) -> Clips:
    sound = np.zeros(round(length * RATE), np.float32)
    for second in seconds:
        start = round(second * RATE)
        sound[start : start + 4_000] += spoken("up", "ann", 0).astype(np.float32)
    return sound


def test_each_word_is_heard_once_soon_after_it_was_spoken() -> None:
    detected = heard_in([sound_with_words_at(2.0, 6.0, 9.5)])
    assert [one.word for one in detected] == ["loud"] * 3
    assert [one.sample / RATE for one in detected] == [pytest.approx(at, abs=0.3) for at in (2.5, 6.5, 10.0)]


@pytest.mark.parametrize("size", [1, 80, 799, 801, 50_000])
def test_the_size_of_the_pieces_changes_nothing(size: int) -> None:
    sound = sound_with_words_at(0.5, 2.5, length=4.0)
    pieces = [sound[start : start + size] for start in range(0, len(sound), size)]
    assert heard_in(pieces) == heard_in([sound]) != []


def test_no_word_is_heard_in_the_refractory_time() -> None:
    twice = sound_with_words_at(2.0, 3.1)
    assert len(heard_in([twice], replace(RULES, refractory=0))) == 2
    assert len(heard_in([twice], replace(RULES, refractory=16_000))) == 1


def test_a_word_that_goes_on_is_one_word() -> None:
    without_end = np.concatenate([sound_with_words_at(*np.arange(1.0, 9.0, 0.5))])
    assert len(heard_in([without_end], replace(RULES, refractory=0))) == 1


def test_labels_that_are_no_word_are_never_heard() -> None:
    decider = Decider(RULES, NAMES)
    assert [decider.decide({"loud": 0.0, "silence": 1.0}, n) for n in range(5)] == [None] * 5


def test_smoothing_takes_one_look_for_none() -> None:
    looks = [0.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    decider = Decider(replace(RULES, threshold=0.9), NAMES)
    detected = [decider.decide({"loud": look, "silence": 1 - look}, n * 800) for n, look in enumerate(looks)]
    assert [n for n, one in enumerate(detected) if one] == [5]


def test_hours_of_sound_leave_memory_flat() -> None:
    piece = np.concatenate([sound_with_words_at(0.0, length=60.0)])
    listener, seen = listening(replace(RULES, hop=4_000)), []
    tracemalloc.start()
    for _ in range(60):
        list(listener.feed(piece))
        seen.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert seen[-1] - seen[5] < 10_000


@pytest.mark.parametrize("form", ["raw", "wav", "44.1 kHz", "float", "without a length", "trailing chunk"])
def test_a_stream_is_read_as_the_file_would_be(form: str) -> None:
    sound = sound_with_words_at(1.0, length=3.0)
    content = wav(sound)
    match form:
        case "raw":
            content = content[44:]
        case "44.1 kHz":
            faster = np.interp(np.arange(132_300) / 44_100, np.arange(24_000) / RATE, sound)
            content = wav(np.stack([faster, faster], axis=1), 44_100)
        case "float":
            content = written(sound, RATE)
        case "without a length":
            content = content[:40] + b"\xff" * 4 + content[44:]
        case "trailing chunk":
            content += b"LIST\x04\0\0\0INFO" * 100
    got = np.concatenate([*samples_of(io.BytesIO(content), CLIPS)])
    assert len(got) == 24_000
    assert np.abs(got - sound).max() < (0.05 if form == "44.1 kHz" else 1e-4)


def test_another_rate_is_refused_by_name_where_the_manifest_says_so() -> None:
    strict = replace(CLIPS, other_rates="refuse")
    with pytest.raises(WrongInputError, match=r"`listen`: expected 8000 Hz, got 16000 Hz"):
        list(samples_of(io.BytesIO(wav(np.zeros(100), 16_000)), strict))
    with pytest.raises(WrongInputError, match=r"expected 8000 Hz, got 48000 Hz"):
        list(samples_of(io.BytesIO(bytes(100)), strict, 48_000))


def test_a_stream_that_begins_like_a_wav_file_and_is_none_is_refused() -> None:
    with pytest.raises(WrongInputError, match="without: the file is cut"):
        list(samples_of(io.BytesIO(b"RIFF\0\0\0\0WAVE" + bytes(70_000)), CLIPS))


def test_rules_are_signed_with_the_release_and_a_release_without_them_does_not_listen(bundle: Path) -> None:
    predictor = Predictor.from_bundle(bundle)
    assert predictor.manifest.listen == ALWAYS
    assert listener_of(predictor).format == CLIPS
    predictor.manifest = replace(predictor.manifest, listen=None)
    with pytest.raises(SettingsError, match=r"expected a release that listens, got one without `listen`"):
        listener_of(predictor)


def test_wrong_rules_are_refused(bundle: Path) -> None:
    content = json.loads((bundle / "manifest.json").read_text())
    for wrong in ({"hop": 0}, {"smooth": 0}, {"threshold": 1.5}):
        with pytest.raises(ManifestError, match=f"listen.{next(iter(wrong))}"):
            read_manifest(json.dumps(content | {"listen": content["listen"] | wrong}).encode())


class _Pipe:
    """Standard input of bytes."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


def test_the_command_prints_a_line_per_word(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World()
    world.publish({path.name: path.read_bytes() for path in bundle.iterdir()}, 1)
    set_up(tmp_path / "home", world).update()
    (tmp_path / "sound.wav").write_bytes(wav(sound_with_words_at(1.0, length=3.0)))
    said = []
    for file in ([str(tmp_path / "sound.wav")], []):
        monkeypatch.setattr(sys, "stdin", _Pipe((tmp_path / "sound.wav").read_bytes()))
        main(["listen", *file, "--home", str(tmp_path / "home")])
        said.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert said[0] == said[1]
    assert said[0]
    assert said[0][0].keys() == {"seconds", "word", "confidence"}


def test_a_missing_file_is_named(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    world.publish({path.name: path.read_bytes() for path in bundle.iterdir()}, 1)
    set_up(tmp_path / "home", world).update()
    with pytest.raises(SystemExit) as ended:
        main(["listen", "nothing.wav", "--home", str(tmp_path / "home")])
    assert ended.value.code == 2
    assert "`nothing.wav`: expected a file of sound, got none" in capsys.readouterr().err
