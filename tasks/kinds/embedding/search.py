"""Which other samples are most alike each sample, in blocks of samples: ranks, and a loss of each; numpy only."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.kinds.contract import Floats, Rows

Booleans = NDArray[np.bool_]
NEIGHBOURS = 5
BLOCK = 512
"""samples compared with all others at once"""


@dataclass(frozen=True)
class Searched:
    """What became of the search for each sample (n,).

    Attributes:
        probe: whether it is searched in a gallery of the first sample of each identity, and is not that sample itself.
        first: whether the most alike of the gallery has its identity.
        partnered: whether another sample has its identity.
        found: whether one of the `NEIGHBOURS` most alike of all others has it.
        loss: half of one minus its mean cosine with its identity, half of its mean positive cosine with others.
    """

    probe: Booleans
    first: Booleans
    partnered: Booleans
    found: Booleans
    loss: Floats


def search(vectors: NDArray[np.float32], units: Rows) -> Searched:
    """Returns what the search among vectors (n, width) of length 1 gives; `units` (n,) are their identities."""
    gallery = np.unique(units, return_index=True)[1]
    probe = np.ones(len(units), dtype=bool)
    probe[gallery] = False
    partnered = np.bincount(units)[units] > 1
    parts = [_block(vectors, units, gallery, rows) for rows in _blocks(len(units))]
    first, found, loss = (np.concatenate(some) for some in zip(*parts, strict=True))
    return Searched(probe & partnered, first, partnered, found, loss)


def _blocks(count: int) -> Iterator[Rows]:
    for start in range(0, count, BLOCK):
        yield np.arange(start, min(start + BLOCK, count))


def _block(vectors: NDArray[np.float32], units: Rows, gallery: Rows, rows: Rows) -> tuple[Booleans, Booleans, Floats]:
    cosines = vectors[rows] @ vectors.T
    same = units[rows, np.newaxis] == units
    loss = _loss(cosines, same, rows)
    enrolled = gallery[cosines[:, gallery].argmax(axis=1)]
    cosines[np.arange(len(rows)), rows] = -np.inf
    count = min(NEIGHBOURS, len(units) - 1)
    nearest = np.argpartition(-cosines, max(count - 1, 0), axis=1)[:, :count]
    first: Booleans = units[enrolled] == units[rows]
    found: Booleans = np.asarray(np.take_along_axis(same, nearest, axis=1).any(axis=1))
    return first, found, loss


def _loss(cosines: NDArray[np.float32], same: Booleans, rows: Rows) -> Floats:
    """Returns the cosine embedding loss with margin 0 of each sample (rows,), pairs of each sort counting half."""
    own = same.copy()
    own[np.arange(len(rows)), rows] = False
    pull = np.where(own, 1 - cosines, 0).sum(axis=1, dtype=np.float64) / np.maximum(own.sum(axis=1), 1)
    push = np.where(same, 0, np.maximum(cosines, 0)).sum(axis=1, dtype=np.float64) / np.maximum((~same).sum(axis=1), 1)
    loss: Floats = (pull + push) / 2
    return loss
