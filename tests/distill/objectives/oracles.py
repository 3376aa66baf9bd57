"""The soft-label objectives once more, row by row in NumPy's float64, from the papers; and slopes of anything."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def slopes(function: Callable[[Floats], float], at: Floats, step: float, most: int = 12) -> Floats:
    """Returns the gradient by central differences of fourth order, at `most` random places, elsewhere not a number."""
    gradient = np.full_like(at, np.nan)
    taken = np.random.default_rng(0).permutation(at.size)[:most]
    for index in zip(*np.unravel_index(taken, at.shape), strict=True):
        values = []
        for steps in (-2, -1, 1, 2):
            moved = at.copy()
            moved[index] += steps * step
            values.append(function(moved))
        gradient[index] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    return gradient


def assert_slopes(gradient: Floats, expected: Floats, value: float, step: float) -> None:
    """Compares to 1e-6 of the largest slope, but no finer than differences of `value` can be."""
    taken = ~np.isnan(expected)
    assert np.isfinite(gradient).all()
    assert taken.any()
    tolerance = 1e-6 * np.abs(expected[taken]).max() + 1e-15 * max(1.0, abs(value)) / step
    np.testing.assert_allclose(gradient[taken], expected[taken], rtol=1e-6, atol=tolerance)


def log_probabilities(logits: Floats) -> Floats:
    return np.asarray(logits - np.logaddexp.reduce(logits))


def divergence(log_p: Floats, log_q: Floats) -> float:
    return float(np.sum(np.exp(log_p) * (log_p - log_q)))


def standardised(logits: Floats) -> Floats:
    return np.array([(row - row.mean()) / (row.std(ddof=1) + 1e-7) for row in logits])


def kl(student: Floats, teacher: Floats, _label: int, temperature: float, _params: Any) -> float:
    return temperature**2 * divergence(
        log_probabilities(teacher / temperature), log_probabilities(student / temperature)
    )


def reverse_kl(student: Floats, teacher: Floats, label: int, temperature: float, params: Any) -> float:
    return kl(teacher, student, label, temperature, params)


def symmetric_kl(student: Floats, teacher: Floats, label: int, temperature: float, params: Any) -> float:
    return 0.5 * sum(kl(*sides, label, temperature, params) for sides in ((student, teacher), (teacher, student)))


def logit_mse(student: Floats, teacher: Floats, _label: int, _temperature: float, _params: Any) -> float:
    return float(np.mean((student - teacher) ** 2))


def dkd(student: Floats, teacher: Floats, label: int, temperature: float, params: Any) -> float:
    def apart(logits: Floats) -> tuple[Floats, Floats]:
        every = log_probabilities(logits / temperature)
        others = np.delete(every, label)
        return np.array([every[label], np.logaddexp.reduce(others)]), log_probabilities(others)

    (binary_s, others_s), (binary_t, others_t) = apart(student), apart(teacher)
    target, non_target = divergence(binary_t, binary_s), divergence(others_t, others_s)
    return float(temperature**2 * (params.target * target + params.non_target * non_target))


def uncorrelated(ours: Floats, theirs: Floats) -> float:
    """Returns 1 minus Pearson's correlation; 0 where one of the two does not vary."""
    for side in (ours, theirs):
        if side.max() - side.min() <= max(1e-6 * side.max(), 1e-12):
            return 0.0
    a, b = ((side - side.mean()) / side.max() for side in (ours, theirs))
    return 1.0 - float(np.sum(a * b) / np.sqrt(np.sum(a**2)) / np.sqrt(np.sum(b**2)))


def dist(student: Floats, teacher: Floats, temperature: float, params: Any) -> float:
    """Returns the objective of the whole batch."""
    ours, theirs = (np.exp([log_probabilities(row / temperature) for row in side]) for side in (student, teacher))
    inter = np.mean([uncorrelated(*rows) for rows in zip(ours, theirs, strict=True)])
    intra = np.mean([uncorrelated(*columns) for columns in zip(ours.T, theirs.T, strict=True)])
    return float(temperature**2 * (params.beta * inter + params.gamma * intra))


ROWS = {
    "kl": kl,
    "reverse_kl": reverse_kl,
    "symmetric_kl": symmetric_kl,
    "logit_mse": logit_mse,
    "dkd": dkd,
}


def objective(kind: str, student: Floats, teacher: Floats, labels: Ints, temperature: float, params: Any) -> float:
    """Returns the mean over rows of a soft-label objective."""
    if params.standardise:
        student, teacher = standardised(student), standardised(teacher)
    if kind == "dist":
        return dist(student, teacher, temperature, params)
    rows = zip(student, teacher, labels, strict=True)
    return float(np.mean([ROWS[kind](s, t, int(label), temperature, params) for s, t, label in rows]))
