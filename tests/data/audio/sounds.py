"""Sounds that are made, not recorded: words are pitches that rise or fall, speakers are how high they are."""

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8_000
WORDS = {"up": (1.0, 2.0), "down": (2.0, 1.0), "flat": (1.4, 1.4)}
"""word -> pitch at its begin and at its end, in multiples of the speaker's"""
SPEAKERS = {"ann": 300.0, "ben": 220.0, "cleo": 380.0, "dan": 260.0, "eve": 340.0}
Sound = NDArray[np.float64]


def spoken(word: str, speaker: str, number: int, seconds: float = 0.5, rate: int = RATE) -> Sound:
    """Returns a made-up word: a chirp with two overtones in a little noise."""
    random = np.random.default_rng([*f"{word} {speaker} {number}".encode()])
    first, last = (SPEAKERS[speaker] * pitch * random.uniform(0.95, 1.05) for pitch in WORDS[word])
    time = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * (first * time + (last - first) * time**2 / (2 * seconds))
    tone = np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(3 * phase)
    return np.asarray(0.2 * tone * np.hanning(len(time)) + 0.01 * random.standard_normal(len(time)))


def wav(samples: NDArray[np.floating], rate: int = RATE) -> bytes:
    """Returns a WAV file of 16 bits; samples are (n,) or (n, channels)."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    data: bytes = np.rint(samples.clip(-1, 32767 / 32768) * 32768).astype("<i2").tobytes()
    header: bytes = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
    body: bytes = b"WAVE" + header + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def coded(samples: NDArray[np.floating], rate: int, suffix: str, subtype: str | None = None) -> bytes:
    """Returns a file of any form that libsndfile writes."""
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, subtype, format=suffix.lstrip(".").upper())
    return stream.getvalue()


def write_words(folder: Path, of_each: int = 4, words: tuple[str, ...] = (*WORDS,)) -> None:
    """Writes `WORD/SPEAKER_NUMBER.wav` for every word and speaker."""
    for word in words:
        (folder / word).mkdir(parents=True, exist_ok=True)
        for speaker in SPEAKERS:
            for number in range(of_each):
                (folder / word / f"{speaker}_{number}.wav").write_bytes(wav(spoken(word, speaker, number)))
