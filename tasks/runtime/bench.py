"""How fast a device answers, one sample after the other: from the bytes of files to the answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from .bundle.predictor import Predictor
from .terminal import samples_in

WARMUP = 3
PARTS = ("read", "predict", "decode")


@dataclass(frozen=True)
class Speed:
    """Milliseconds (frames, parts) of reading, predicting and decoding."""

    milliseconds: NDArray[np.float64]
    threads: int

    def lines(self) -> list[str]:
        """Returns in words how many samples a second, and where the time goes."""
        whole, parts = self.milliseconds.sum(axis=1), np.median(self.milliseconds, axis=0)
        shares = ", ".join(f"{name} {part:.3g} ms" for name, part in zip(PARTS, parts, strict=True))
        threads = f"{self.threads} thread" if self.threads == 1 else f"{self.threads} threads"
        return [
            f"{_rate(1000 / np.median(whole))} a second on {threads}, {len(whole)} times: {shares}",
            f"p50 {np.percentile(whole, 50):.3g} ms, p95 {np.percentile(whole, 95):.3g} ms",
        ]


def _rate(rate: float) -> str:
    """Returns a number with three digits that tell something, and no power of ten."""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def bench(predictor: Predictor, files: Iterable[tuple[Path | None, bytes]], seconds: float) -> Speed:
    """Answers files for so many seconds, or until there is none left, and at least the first.

    Of each it is the first sample, or all tiles of the first picture. How long its bytes take to come does not count.

    Args:
        predictor: of the model.
        files: the name of each, None for standard input, and what is in it.
        seconds: after so many no further file is begun.

    Raises:
        WrongInputError: a file is not what the model takes.
        ModelError: the model fails.
    """
    frames: list[tuple[float, float, float]] = []
    ends = inf
    for name, content in files:
        if not frames:
            for _ in range(WARMUP):
                _once(predictor, name, content)
            ends = perf_counter() + seconds
        frames.append(_once(predictor, name, content))
        if perf_counter() >= ends:
            break
    return Speed(np.array(frames), predictor.manifest.target.threads)


def _once(predictor: Predictor, name: Path | None, content: bytes) -> tuple[float, float, float]:
    """Returns the milliseconds of each part for the first sample of a file, or the first picture."""
    begun = perf_counter()
    samples = samples_in(name, content, predictor)
    read = perf_counter()
    outputs = predictor.outputs({name: values[: samples.first] for name, values in samples.arrays.items()})
    predicted = perf_counter()
    predictor.decoder.decode(outputs, predictor.manifest.targets)
    return 1000 * (read - begun), 1000 * (predicted - read), 1000 * (perf_counter() - predicted)
