"""A stream to judge by: clips of the test split in noise, with gaps between them; a seed decides all of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from params.audio.listen import Listen
from tasks.evaluate.slices import labels_of
from tasks.layouts import INPUTS
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData
from tasks.training.sound.noise import noise_clips

TEST = "test"
RUMBLE = 0.8
"""of a noise sample that stays in the next one: rooms rumble more than they hiss"""
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Spoken:
    """A clip of the stream: its row in the split, its label, and its first sample and the one behind its last."""

    row: int
    word: str
    start: int
    end: int


@dataclass(frozen=True)
class JudgingStream:
    """What is spoken when, and the sound of it."""

    spoken: Sequence[Spoken]
    samples: int
    data: PreparedData
    noise: float
    """standard deviation"""
    recorded: Samples | None
    """(clips, samples) of mean square 1 that the noise is made of; None where it is drawn"""
    seed: int

    def pieces(self) -> Iterator[Samples]:
        """Yields the sound, each clip with the gap before it."""
        random, split, place = np.random.default_rng([self.seed, 1]), open_split(self.data.directory, TEST), 0
        for one in self.spoken:
            clip = sounding(split.gather(np.array([one.row])).inputs[INPUTS][0])
            piece = self._noise(random, one.end - place)
            piece[one.start - place :] += clip
            place = one.end
            yield piece
        yield self._noise(random, self.samples - place)

    def _noise(self, random: np.random.Generator, samples: int) -> Samples:
        if self.recorded is not None:
            return self._of_clips(random, self.recorded, samples)
        from scipy.signal import lfilter

        white = random.standard_normal(samples) * self.noise * np.sqrt(1 - RUMBLE**2)
        return np.asarray(lfilter([1.0], [1.0, -RUMBLE], white), dtype=np.float32)

    def _of_clips(self, random: np.random.Generator, clips: Samples, samples: int) -> Samples:
        drawn = clips[random.integers(len(clips), size=samples // clips.shape[1] + 1)]
        return np.asarray(drawn.reshape(-1)[:samples] * np.float32(self.noise), dtype=np.float32)


def judging_stream(params: Listen, rate: int, data: PreparedData) -> JudgingStream:
    """Returns a stream of the test split, every clip once before the first comes again.

    Raises:
        RecipeError: no test clip has the label of the noise.
    """
    noise, label, recorded = params.noise * data.card.statistics.std[0], params.noise_label, None
    if label is not None:
        recorded = noise_clips(data.directory, data.card, TEST, label, "evaluate.listen.noise_label")
    random, split = np.random.default_rng([params.seed, 0]), open_split(data.directory, TEST)
    labels, length = labels_of(data.directory, data.card, TEST), round(params.minutes * 60 * rate)
    gap, spoken, place = params.gap_seconds * rate, list[Spoken](), 0
    while True:
        for row in random.permutation(len(labels)):
            start = place + round(random.uniform(0.5, 1.5) * gap)
            end = start + len(sounding(split.gather(np.array([row])).inputs[INPUTS][0]))
            if end + gap > length:
                return JudgingStream(spoken, length, data, noise, recorded, params.seed)
            spoken.append(Spoken(int(row), labels[row], start, end))
            place = end


def sounding(clip: Samples) -> Samples:
    """Returns a clip without the silence that fills it up; all of a clip that is nothing else."""
    trimmed = np.trim_zeros(clip)
    return trimmed if len(trimmed) else clip
