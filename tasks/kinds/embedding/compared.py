"""Which samples of a split are compared: the pairs that the source lists, or all of them; numpy only.

A sample that is the only one of its identity is in no positive pair. Of more pairs than `MOST` of a sort so many are
drawn from a seed, so that memory does not grow with the square of a split.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.kinds.contract import Floats, Rows

Booleans = NDArray[np.bool_]
MOST = 50_000
"""pairs of one identity, and pairs of two"""
FEWEST = 50
"""listed pairs of each sort: with fewer, as in a small slice, all pairs are compared"""
SEED = 0
AT_ONCE = 16_384
"""pairs whose vectors are in memory together"""
HALVES = 2


@dataclass(frozen=True)
class Pairs:
    """Pairs of samples.

    Attributes:
        rows: (pairs, 2) the two samples.
        same: (pairs,) whether they are of one identity.
        fold: (pairs,) the part of the pairs that each is judged with; below 0 for those between two parts.
    """

    rows: Rows
    same: Booleans
    fold: Rows

    def take(self, places: Rows) -> "Pairs":
        """Returns some of them, in that order."""
        return Pairs(self.rows[places], self.same[places], self.fold[places])


def pairs_of(units: Rows, fold: Rows, listed: Rows) -> Pairs:
    """Returns the listed pairs of some samples or, where hardly any are listed, all.

    Listed pairs are judged fold by fold; those of a single fold in two halves of its identities.

    Args:
        units: (n,) the number of the identity of each sample, from 0 on.
        fold: (n,) the fold of each sample, from 1 on; 0 where there is none.
        listed: (n, most) the numbers of the listed pairs that a sample is part of, 0 for none.
    """
    rows = listed_rows(listed)
    same = units[rows[:, 0]] == units[rows[:, 1]]
    if min(int(same.sum()), int((~same).sum())) >= FEWEST:
        folds = fold[rows[:, 0]]
        return Pairs(rows, same, folds if len(np.unique(folds)) > 1 else _of_one_half(units, rows))
    return all_pairs(units)


def listed_rows(listed: Rows) -> Rows:
    """Returns (pairs, 2) the two samples of every listed pair of which both are there."""
    sample = np.repeat(np.arange(len(listed)), listed.shape[1])
    numbers = listed.ravel()
    sample, numbers = sample[numbers > 0], numbers[numbers > 0]
    order = np.argsort(numbers, kind="stable")
    sample, numbers = sample[order], numbers[order]
    whole = np.flatnonzero(numbers[1:] == numbers[:-1])
    return np.stack([sample[whole], sample[whole + 1]], axis=1)


def all_pairs(units: Rows) -> Pairs:
    """Returns all pairs of some samples, or `MOST` of each sort; identities are in two halves in turn."""
    draws = np.random.Generator(np.random.PCG64(SEED))
    genuine, impostors = _genuine(units, draws), _impostors(units, draws)
    rows = np.concatenate([genuine, impostors])
    return Pairs(rows, np.arange(len(rows)) < len(genuine), _of_one_half(units, rows))


def _of_one_half(units: Rows, rows: Rows) -> Rows:
    """Returns (pairs,) the half that both samples of a pair are of; -1 where they are of two."""
    half = _halves(units)[rows]
    return np.where(half[:, 0] == half[:, 1], half[:, 0], -1)


def _halves(units: Rows) -> Rows:
    """Returns (n,) the half of each sample: identities in turn, those of several samples first."""
    counts = np.bincount(units)
    place = np.empty(len(counts), dtype=np.int64)
    place[np.lexsort((np.arange(len(counts)), counts < 2))] = np.arange(len(counts))
    halves: Rows = place[units] % HALVES
    return halves


def _genuine(units: Rows, draws: np.random.Generator) -> Rows:
    """Returns (pairs, 2) pairs of one identity, the smaller row first."""
    order = np.argsort(units, kind="stable")
    counts = np.bincount(units)
    starts = np.cumsum(counts) - counts
    later = counts[units[order]] - 1 - (np.arange(len(units)) - starts[units[order]])  # samples of it behind each
    total = int(later.sum())
    chosen = np.arange(total) if total <= MOST else np.sort(draws.choice(total, MOST, replace=False))
    ends = np.cumsum(later)
    first = np.searchsorted(ends, chosen, side="right")
    second = first + 1 + chosen - (ends[first] - later[first])
    return np.stack([order[first], order[second]], axis=1).reshape(-1, 2)


def _impostors(units: Rows, draws: np.random.Generator) -> Rows:
    """Returns (pairs, 2) pairs of two identities, the smaller row first."""
    count = len(units)
    total = count * (count - 1) // 2
    if total <= 4 * MOST:
        rows = np.stack(np.triu_indices(count, 1), axis=1).astype(np.int64)
    else:
        drawn = np.sort(draws.integers(0, count, (4 * MOST, 2)), axis=1)
        rows = np.unique(drawn[drawn[:, 0] < drawn[:, 1]], axis=0)
    rows = np.asarray(rows[units[rows[:, 0]] != units[rows[:, 1]]], dtype=np.int64)
    if len(rows) > MOST:
        rows = rows[np.sort(draws.choice(len(rows), MOST, replace=False))]
    return rows


def cosines_of(vectors: NDArray[np.float32], rows: Rows) -> Floats:
    """Returns the cosine (pairs,) of each pair of vectors of length 1; a few in memory at once."""
    scores = np.empty(len(rows), dtype=np.float64)
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        scores[start : start + AT_ONCE] = np.einsum("nd,nd->n", vectors[some[:, 0]], vectors[some[:, 1]])
    return scores
