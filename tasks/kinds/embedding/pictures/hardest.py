"""The pairs that the file that ships is most mistaken about, as pictures beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.drawing.sample import Scale, draw_sample
from tasks.drawing.sheet import WIDTH, fitted, sheet, styled
from tasks.drawing.svg import Drawing, drawing

COLUMNS = 2
"""pairs beside each other"""
TITLE = "Hardest pairs"
CAPTION = (
    "Of the test pairs, those of one identity that are least alike to the file that ships, and those of two that are"
    " most alike; each sample in one pair at most. Look at them before you believe a number: some are labelled wrongly."
)


@dataclass(frozen=True)
class HardPair:
    """Two samples without padding, their names, whether they are of one identity, and their cosine."""

    samples: tuple[NDArray[Any], NDArray[Any]]
    names: tuple[str, str]
    same: bool
    score: float


@styled()
def draw_hardest(pairs: Sequence[HardPair]) -> Drawing | None:
    """Draws both samples of each pair; None where there is no pair."""
    if not pairs:
        return None
    rows = -(-len(pairs) // COLUMNS)
    figure = sheet(rows * (58 + WIDTH / (2 * COLUMNS)))
    parts = figure.subfigures(rows, COLUMNS, squeeze=False).ravel()
    scale = Scale.of([one for pair in pairs for one in pair.samples])
    room = WIDTH / COLUMNS - 16
    for part, pair in zip(parts, pairs, strict=False):
        sort = "one identity" if pair.same else "two identities"
        words = (f"{sort}, {pair.score:.2f}", *pair.names)
        part.suptitle("\n".join(fitted(word, room) for word in words), x=0.02, ha="left", fontsize="small")
        for axes, sample in zip(part.subplots(1, 2), pair.samples, strict=True):
            draw_sample(axes, sample.astype(np.float64), scale)
    return drawing(figure, "hardest", TITLE, CAPTION)
