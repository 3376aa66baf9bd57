"""One picture of four: a picture and three others of the split, each at half its size.

Which others follows from the draws of the sample alone, as all of augmentation does, and from how many samples there
are, which the digest of the data covers: so a view can be made again, and soft labels of it are stored like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from params.training import Mosaic
from tasks.contracts.records import InputSpec
from tasks.contracts.targets import Targets, joined
from tasks.kinds.contract import Geometry, PlacedTargets, TargetsPart
from tasks.layouts import INPUTS
from tasks.training.arrays import Arrays, SplitArrays
from tasks.training.pictures.geometry import Uniform

PICTURES = 4
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Neighbours:
    """The training samples that a picture can be shown with: the first `labelled` have targets, the others have none.

    One with targets is shown with others that have targets, so that nothing is on it that its targets do not tell.
    """

    train: SplitArrays
    labelled: int

    def drawn(self, rows: Rows, numbers: NDArray[np.float64]) -> Rows:
        """Returns a row (n,) for each of the rows, by a number in 0..1."""
        told = rows < self.labelled
        first, count = np.where(told, 0, self.labelled), np.where(told, self.labelled, len(self.train) - self.labelled)
        found: Rows = first + np.floor(numbers * count).astype(np.int64)
        return found


def why_not(spec: InputSpec, kind: TargetsPart | None) -> tuple[str, str, str] | None:
    """Returns what was expected, what is there and what to do, where pictures cannot be shown together in one."""
    placed = isinstance(kind, PlacedTargets)
    if not placed:
        do = "leave the step out, or take erase"
        return "targets of places in a picture, such as boxes or masks", "one target for a whole picture", do
    height, width = spec.shape[1:]
    if height % 2 or width % 2:
        return "pictures of even height and width", f"{height} x {width}", "change `data.reader.size`"
    return None


def mosaic(arrays: Arrays, neighbours: Neighbours, step: Mosaic, draws: Uniform, kind: TargetsPart) -> Arrays:
    """Returns samples of which some are pictures of four, in new memory; values are float32.

    Args:
        arrays: pictures (n, channels, height, width) of even height and width.
        neighbours: what the others are drawn from.
        step: says how many become one of four.
        draws: of each sample.
        kind: targets of a kind of task that can be merged.
    """
    chance, *others = draws.uniform(PICTURES).T
    chosen = np.flatnonzero(chance < step.chance)
    values = arrays.inputs[INPUTS].astype(np.float32)
    if not len(chosen):
        return replace(arrays, inputs={**arrays.inputs, INPUTS: values})
    rows = arrays.rows[chosen]
    shown = [neighbours.train.gather(neighbours.drawn(rows, numbers[chosen])) for numbers in others]
    height, width = values.shape[2:]
    for place, some in enumerate((values[chosen], *(one.inputs[INPUTS] for one in shown))):
        down, right = (place // 2) * (height // 2), (place % 2) * (width // 2)
        values[chosen, :, down : down + height // 2, right : right + width // 2] = _halved(some)
    # Of the targets of samples that have any: which of them are of chosen samples.
    told = np.flatnonzero(np.isin(np.flatnonzero(arrays.labelled), chosen))
    targets = arrays.targets
    if len(told):
        parts = (targets.take(told), *(one.targets for one in shown))
        targets = _replaced(targets, told, _merged(parts, (height, width), kind))
    return replace(arrays, inputs={**arrays.inputs, INPUTS: values}, targets=targets)


def _halved(values: NDArray[Any]) -> NDArray[np.float32]:
    """Returns pictures of half the height and width: each pixel is the mean of four."""
    upper, lower = (values[:, :, start::2].astype(np.float32) for start in (0, 1))
    rows = upper + lower
    mean: NDArray[np.float32] = (rows[..., 0::2] + rows[..., 1::2]) * np.float32(0.25)
    return mean


def _merged(parts: Sequence[Targets], size: tuple[int, int], kind: TargetsPart) -> Targets:
    """Returns the targets of pictures of four; each follows its picture into a quarter of the new one."""
    assert isinstance(kind, PlacedTargets), "the others are refused before"
    moved = []
    for place, part in enumerate(parts):
        matrix = np.array([[0.5, 0, (place // 2) * (size[0] // 2)], [0, 0.5, (place % 2) * (size[1] // 2)]])
        moved.append(kind.moved(part, Geometry(np.tile(matrix, (len(part), 1, 1)), size)))
    return kind.merged(moved)


def _replaced(targets: Targets, places: Rows, others: Targets) -> Targets:
    """Returns targets with others at some places."""
    order = np.arange(len(targets))
    order[places] = len(targets) + np.arange(len(places))
    return joined([targets, others]).take(order)
