"""Sound as a model's inputs: WAV files of every kind, other rates, and the same clip in training and on a device."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

from params.audio.readers import AudioFolderReader
from tasks.data.readers.audio.sound import format_of, read_clip
from tasks.runtime.bundle.fields import Fields
from tasks.runtime.bundle.manifest import TensorInfo
from tasks.runtime.errors import ManifestError, WrongInputError
from tasks.runtime.preprocess import waveform
from tasks.runtime.preprocess.arrays import read_samples
from tasks.runtime.preprocess.audio.resample import Resampler, resampled
from tasks.runtime.preprocess.audio.wav import UnreadableSoundError, read_wav
from tasks.runtime.preprocess.waveform import WaveformPreprocessor
from tests.data.audio.sounds import spoken, wav

READER = AudioFolderReader(kind="audio_folder", sample_rate=8_000, seconds=0.5)
TAKES = TensorInfo("inputs", "float32", (None, 4_000), "waveform")
WORD = spoken("up", "ann", 0)
STEREO = wav(np.stack([spoken("up", "ann", 0, rate=44_100)] * 2, axis=1), 44_100)


def of(reader: AudioFolderReader, **changed: Any) -> WaveformPreprocessor:
    facts = {name: value for name, value in format_of(reader).facts().items() if name != "kind"}
    return waveform.load(Fields(facts | changed, "preprocessing"))


def written(samples: NDArray[Any], rate: int) -> bytes:
    stream = io.BytesIO()
    wavfile.write(stream, rate, samples)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("dtype", "step"), [("uint8", 1 / 128), ("int16", 2**-15), ("int32", 2**-31), ("float32", 1e-7), ("float64", 1e-7)]
)
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_of_every_width_are_between_minus_one_and_one(dtype: str, step: float, channels: int) -> None:
    sound = np.stack([WORD, WORD[::-1]][:channels], axis=1)
    kind, scale = np.dtype(dtype), 1.0
    stored: NDArray[Any] = sound
    if kind.kind in "iu":
        scale = 2.0 ** (8 * kind.itemsize - 1)
        stored = np.rint(sound * scale) + (128 if kind.kind == "u" else 0)
    read = read_wav(written(stored.astype(kind), 44_100))
    assert read.rate == 44_100
    assert np.abs(read.samples - sound.mean(axis=1)).max() <= max(step, 1e-7)


@pytest.mark.parametrize(
    "rates", [(44_100, 8_000), (16_000, 8_000), (8_000, 16_000), (11_025, 16_000), (44_101, 8_000)]
)
def test_another_rate_is_what_scipy_makes_of_it_in_one_piece_or_in_many(rates: tuple[int, int]) -> None:
    sound = WORD.astype(np.float32)
    got = resampled(sound, *rates)
    assert np.abs(got - resample_poly(WORD, rates[1], rates[0])).max() < 1e-6
    resampler = Resampler(*rates)
    parts = [resampler.feed(part) for part in np.array_split(sound, 37)]
    assert np.array_equal(np.concatenate([*parts, resampler.finish()]), got)


def test_a_device_makes_the_clip_that_training_made() -> None:
    for content in (
        wav(WORD),
        wav(np.stack([spoken("up", "ann", 0, rate=44_100)] * 2, axis=1), 44_100),
        wav(WORD[:999]),
    ):
        trained, problem = read_clip(content, READER)
        given = read_samples(content, TAKES, of(READER))
        assert not problem
        assert np.array_equal(given.arrays["inputs"], trained[np.newaxis])


def test_44_khz_stereo_is_resampled_or_refused_by_name_as_the_manifest_says() -> None:
    assert of(READER).from_file(STEREO).arrays["inputs"].shape == (1, 4_000)
    with pytest.raises(WrongInputError, match=r"`inputs`: expected 8000 Hz, got 44100 Hz; record or convert it so"):
        of(READER, other_rates="refuse").from_file(STEREO)


def test_clips_come_as_records_and_as_numbers_too() -> None:
    content = wav(WORD)
    clip = of(READER).from_file(content).arrays["inputs"]
    (example,) = of(READER).schema()["properties"]["audio"]["examples"]
    assert not of(READER).from_records([{"audio": example}]).arrays["inputs"].any()
    record = {"audio": base64.b64encode(content).decode()}
    assert np.array_equal(of(READER).from_records([record, record]).arrays["inputs"], np.repeat(clip, 2, axis=0))
    numbers = str(clip.tolist()).encode()
    assert np.array_equal(read_samples(numbers, TAKES, of(READER)).arrays["inputs"], clip)
    with pytest.raises(WrongInputError, match=r"`inputs.0.audio`: expected a WAV file in base64, got 3"):
        of(READER).from_records([{"audio": 3}])


@pytest.mark.parametrize(
    "content", [b"RIFF\0\0\0\0WAVE", wav(WORD)[:30], wav(WORD)[:-2], wav(WORD)[:4] + b"\xff" * 999]
)
def test_a_cut_or_hostile_file_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableSoundError):
        read_wav(content)


def test_a_file_whose_length_was_never_written_goes_on_to_its_end() -> None:
    streamed = wav(WORD).replace(b"data\x40\x1f\0\0", b"data\xff\xff\xff\xff")
    assert np.array_equal(read_wav(streamed).samples, read_wav(wav(WORD)).samples)


@pytest.mark.parametrize("wrong", [{"rate": 3}, {"shortest": 5_000}, {"longer": "x"}, {"other_rates": "x"}])
def test_a_manifest_with_other_facts_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match=next(iter(wrong))):
        of(READER, **wrong)
