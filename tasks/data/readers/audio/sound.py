"""A file of sound as samples. WAV is read by the code of the device; soundfile reads what devices do not take."""

import io
from pathlib import PurePosixPath

import numpy as np

from params.audio.readers import AudioReader
from tasks.data.readers.samples import NOTHING, Values
from tasks.runtime.preprocess.audio.clip import ClipFormat, flaw_of
from tasks.runtime.preprocess.audio.wav import Sound, UnreadableSoundError, is_wav, read_wav

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3"})
NO_SOUND = "no sound, by its name"
"""why a file is left out that has none of these suffixes"""


def is_sound(name: str) -> bool:
    """Says whether a file has the name of a sound; one that has, and is none, is a bad sample."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def format_of(reader: AudioReader) -> ClipFormat:
    """Returns what the clips of a reader become."""
    shortest = max(1, round(reader.shortest * reader.sample_rate))
    return ClipFormat(reader.sample_rate, reader.samples, shortest, reader.longer, reader.other_rates)


def read_sound(content: bytes) -> Sound:
    """Returns the sound in a file, channels mixed to their mean.

    Raises:
        UnreadableSoundError: it is empty, cut, or of a form that is not known.
    """
    if not content:
        raise UnreadableSoundError("expected sound, got an empty file")
    if is_wav(content):
        return read_wav(content)
    # Only here: who has WAV files alone needs no libsndfile.
    import soundfile

    try:
        values, rate = soundfile.read(io.BytesIO(content), dtype="float64", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise UnreadableSoundError(f"expected wav, flac, ogg or mp3, got another file or a cut one: {error}") from None
    return Sound(values.mean(axis=1).astype(np.float32), rate)


def read_clip(content: bytes, reader: AudioReader) -> tuple[Values, str]:
    """Returns the clip in a file, or what is wrong with it."""
    try:
        return clip_of(read_sound(content), reader)
    except UnreadableSoundError as error:
        return NOTHING, str(error)


def clip_of(sound: Sound, reader: AudioReader) -> tuple[Values, str]:
    """Returns a sound as a clip, or what is wrong with it."""
    try:
        clip = format_of(reader).clip(sound)
    except UnreadableSoundError as error:
        return NOTHING, str(error)
    return clip, flaw_of(clip)
