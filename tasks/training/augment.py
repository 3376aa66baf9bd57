"""Random changes to training samples that can be repeated: the soft labels of a changed sample are stored on disk.

What becomes of a sample depends on the seed, the view, the sample's row in its split and the step, and on nothing else:
not on the batch, the order, the shard or, unless it is shown with others, the number of samples. So the numbers are
hashed, and not drawn from a stream that others have moved on. All arithmetic is one rounding of IEEE 754 at a time,
hence the same on every machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from params.training import Augment, Crop, Erase, Flip, Levels, Mosaic, Noise, Shift
from tasks.contracts.records import InputSpec, Statistics
from tasks.contracts.targets import Targets
from tasks.core.errors import RecipeError, mismatch
from tasks.kinds.contract import Geometry, PlacedTargets, TargetsPart
from tasks.layouts import find_layout
from tasks.training.arrays import Arrays
from tasks.training.pictures.geometry import MOVES, moves_of
from tasks.training.pictures.mosaic import Neighbours, mosaic, why_not
from tasks.training.sound.steps import SOUND, Sounds

Values = NDArray[Any]
"""(n, channels, height, width), (n, frames, features) or (n, features), of the data's own dtype or float32"""

FORMAT = 1
"""of the changes; counted up when the same seed and view would give other samples, so that old soft labels are left"""
NO_NOISE: Mapping[str, NDArray[np.float32]] = {}
GAMMA = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Draws:
    """Random numbers for n samples, which follow from the `keys` (n,) of the samples."""

    keys: NDArray[np.uint64]

    @classmethod
    def of(cls, seed: int, view: int, step: int, rows: NDArray[np.int64]) -> "Draws":
        """Returns those for one step: each key is a number of the SplitMix64 stream that the key before it begins."""
        key = np.zeros(1, dtype=np.uint64)
        for part in (seed, view, step):
            key = split_mix(key, np.array([part], dtype=np.uint64))
        return cls(split_mix(key, rows.astype(np.uint64)))

    def bits(self, count: int) -> NDArray[np.uint64]:
        """Returns (n, count) numbers: the first ones of the stream that each key begins."""
        return split_mix(self.keys[:, None], np.arange(count, dtype=np.uint64))

    def uniform(self, count: int) -> NDArray[np.float64]:
        """Returns (n, count) multiples of 2^-53 in 0..1, without 1."""
        return (self.bits(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, count: int) -> NDArray[np.float32]:
        """Returns (n, count) of mean 0 and variance 1, at most 4.3: one of 65,536 quantiles each."""
        places = self.bits(-(-count // 4)).astype("<u8", copy=False).view("<u2")
        numbers: NDArray[np.float32] = _quantiles()[places[:, :count]]
        return numbers


def split_mix(state: NDArray[np.uint64], place: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns the numbers at `place` (from 0) of the streams that begin at `state`.

    SplitMix64 of Steele, Lea and Flood 2014 (doi:10.1145/2660193.2660195), with the constants of Stafford's variant 13,
    as in Java and in Vigna's C.
    """
    mixed = state + (place + np.uint64(1)) * GAMMA
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return mixed


@cache
def _quantiles() -> NDArray[np.float32]:
    """Returns the middles of 65,536 equally likely parts of the normal distribution.

    Rounded to float32 they are the same whichever mathematical library is there, which a logarithm would not be.
    """
    middles: NDArray[np.float64] = ndtri((np.arange(65_536) + 0.5) / 65_536)
    return middles.astype(np.float32)


class Augmenter:
    """Changes the samples of a training split, each view of them in another way.

    Args:
        params: the steps.
        spec: what a sample looks like.
        statistics: of the training samples.
        seed: of all draws.
        targets: lets masks and boxes follow.
        noise: label -> clips of recorded noise that steps ask for.
        neighbours: what pictures are shown with, for a step that shows several.

    Raises:
        RecipeError: steps do not go with this kind of input; all of them at once.
    """

    def __init__(
        self,
        params: Augment,
        spec: InputSpec,
        statistics: Statistics,
        seed: int,
        targets: TargetsPart | None = None,
        noise: Mapping[str, NDArray[np.float32]] = NO_NOISE,
        neighbours: Neighbours | None = None,
    ) -> None:
        _require_possible(params, spec, targets)
        self.params, self.seed, self.targets, self._noise = params, seed, targets, noise
        self.neighbours = neighbours
        self._each = [(place, step) for place, step in enumerate(params.steps) if not isinstance(step, Mosaic)]
        self.form = find_layout(spec.layout)
        shape = self.form.per_feature(-1)
        self._mean, self._std = (
            np.array(values, dtype=np.float32).reshape(shape) for values in (statistics.mean, statistics.std)
        )

    @property
    def key(self) -> dict[str, Any]:
        """What, with the data and the view, decides the samples; JSON."""
        steps = [step.model_dump(mode="json") for step in self.params.steps]
        return {"format": FORMAT, "seed": self.seed, "steps": steps}

    @property
    def moves_targets(self) -> bool:
        """Whether answers to a sample as it was are wrong for what becomes of it: targets would have to follow."""
        moving = any(step.kind in MOVES or isinstance(step, Mosaic) for step in self.params.steps)
        return moving and isinstance(self.targets, PlacedTargets)

    def view(self, epoch: int) -> int:
        """Returns which view an epoch (from 1) sees."""
        return epoch - 1 if self.params.views is None else (epoch - 1) % self.params.views

    def apply(self, arrays: Arrays, view: int) -> Arrays:
        """Returns the samples changed as `view` says, in new memory; targets follow, other inputs and rows stay."""
        mask, dtype = self.form.mask(arrays.inputs), arrays.inputs["inputs"].dtype
        arrays = self._of_several(arrays, view)
        values = arrays.inputs["inputs"]
        for place, step in self._each:
            draws = Draws.of(self.seed, view, place, arrays.rows)
            if step.kind in SOUND:
                values = SOUND[step.kind](Sounds(values, self._std, draws, self._noise), step)
            else:
                values = CHANGES[step.kind](_Samples(values, self._mean, self._std, draws), step)
        if mask is not None:
            values = values * mask
        inputs = {**arrays.inputs, "inputs": _as(values, dtype)}
        return replace(arrays, inputs=inputs, targets=self._moved(arrays, view))

    def _of_several(self, arrays: Arrays, view: int) -> Arrays:
        """Returns the samples as the first step shows them with others, if it does."""
        first = self.params.steps[0]
        if not isinstance(first, Mosaic):
            return arrays
        assert self.neighbours is not None, "given with the data"
        assert self.targets is not None, "or the step is refused"
        return mosaic(arrays, self.neighbours, first, Draws.of(self.seed, view, 0, arrays.rows), self.targets)

    def _moved(self, arrays: Arrays, view: int) -> Targets:
        """Returns the targets after each step has moved what they are about: what left a picture does not come back."""
        targets = arrays.targets
        if self.targets is None or not self.form.spatial or not len(targets):
            return targets
        height, width = arrays.inputs["inputs"].shape[2:]
        for place, step in self._each:
            draws = Draws.of(self.seed, view, place, arrays.rows[arrays.labelled])
            matrix = moves_of(step.kind, step, draws, (height, width))
            targets = targets if matrix is None else self.targets.moved(targets, Geometry(matrix, (height, width)))
        return targets


@dataclass(frozen=True)
class _Samples:
    """What a step works on: values, mean and std of each channel or feature, and the draws of this step."""

    values: Values
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    draws: Draws

    def each(self, numbers: NDArray[Any]) -> NDArray[np.float32]:
        """Shapes one number per sample (n,) so that it goes along with the values."""
        return numbers.astype(np.float32).reshape(-1, *[1] * (self.values.ndim - 1))


def _flip(samples: _Samples, step: Flip) -> Values:
    values = samples.values.copy()
    mirrored = samples.draws.uniform(2) < 0.5
    if step.horizontal:
        values[mirrored[:, 0]] = values[mirrored[:, 0], :, :, ::-1]
    if step.vertical:
        values[mirrored[:, 1]] = values[mirrored[:, 1], :, ::-1]
    return values


def _dihedral(samples: _Samples, _step: object) -> Values:
    values = np.empty_like(samples.values)
    which = (samples.draws.uniform(1)[:, 0] * 8).astype(np.int64)
    for symmetry in range(8):
        mine = which == symmetry
        turned = np.rot90(samples.values[mine], symmetry % 4, axes=(2, 3))
        values[mine] = turned[..., ::-1] if symmetry >= 4 else turned
    return values


def _shift(samples: _Samples, step: Shift) -> Values:
    most, values = step.pixels, samples.values
    height, width = values.shape[2:]
    if step.fill == "edge":
        wide = np.pad(values, ((0, 0), (0, 0), (most, most), (most, most)), mode="edge")
    else:
        wide = np.empty((*values.shape[:2], height + 2 * most, width + 2 * most), values.dtype)
        wide[:] = _as(samples.mean, values.dtype)
        wide[:, :, most : most + height, most : most + width] = values
    windows = np.lib.stride_tricks.sliding_window_view(wide, (height, width), axis=(2, 3))
    down, right = (samples.draws.uniform(2) * (2 * most + 1)).astype(np.int64).T
    moved: Values = windows[np.arange(len(values)), :, down, right]
    return moved


def _crop(samples: _Samples, step: Crop) -> Values:
    scale, *places = samples.draws.uniform(3).T
    scale = step.smallest + (1 - step.smallest) * scale
    values = samples.values.astype(np.float32, copy=False)
    for place in places:
        values = _enlarged(values, scale, place)
    return values


def _enlarged(values: Values, scale: NDArray[np.float64], place: NDArray[np.float64]) -> Values:
    """Enlarges a part of the rows of each picture to all of them, linearly; height and width change places.

    Pixels are squares: the middle of the first is half a pixel from the edge.
    """
    size = values.shape[2]
    starts = place * (1 - scale) * size
    middles = starts[:, None] + (np.arange(size) + 0.5) * scale[:, None] - 0.5
    middles = middles.clip(0, size - 1)
    low = middles.astype(np.int64)
    part = (middles - low).astype(np.float32)[:, :, None, None]
    which = np.arange(len(values))[:, None]
    enlarged = values[which, :, low]
    enlarged += (values[which, :, np.minimum(low + 1, size - 1)] - enlarged) * part
    return enlarged.transpose(0, 2, 3, 1)


def _levels(samples: _Samples, step: Levels) -> Values:
    gain, offset = 2 * samples.draws.uniform(2).T - 1
    gain, offset = samples.each(1 + step.gain * gain), samples.each(step.offset * offset)
    changed: Values = samples.values * gain + (samples.mean * (1 - gain) + samples.std * offset)
    return changed


def _noise(samples: _Samples, step: Noise) -> Values:
    values = samples.values
    noise = samples.draws.normal(values[0].size).reshape(values.shape)
    noise *= samples.std * np.float32(step.std)
    noise += values
    return noise


def _erase(samples: _Samples, step: Erase) -> Values:
    chance, *numbers = samples.draws.uniform(5).T
    down, right = (
        _within(size, step.largest * part, place)
        for size, part, place in zip(samples.values.shape[2:], numbers[:2], numbers[2:], strict=True)
    )
    gone = down[:, :, None] & right[:, None, :] & (chance < step.chance)[:, None, None]
    filled: Values = np.where(gone[:, None], _as(samples.mean, samples.values.dtype), samples.values)
    return filled


def _within(size: int, part: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Returns (n, size): which pixels of a side belong to a stretch of `part` of it, at `place` of what is left."""
    length = np.rint(part * size)[:, None]
    start = np.floor(place[:, None] * (size - length + 1))
    pixels = np.arange(size)
    inside: NDArray[np.bool_] = (pixels >= start) & (pixels < start + length)
    return inside


CHANGES: Mapping[str, Callable[[_Samples, Any], Values]] = {
    "flip": _flip,
    "dihedral": _dihedral,
    "shift": _shift,
    "crop": _crop,
    "levels": _levels,
    "noise": _noise,
    "erase": _erase,
}
WITHOUT_PICTURES = ("levels", "noise")


def _as(values: Values, dtype: np.dtype[Any]) -> Values:
    if dtype == np.uint8 and values.dtype != np.uint8:
        values = np.rint(values).clip(0, 255)
    return np.ascontiguousarray(values, dtype=dtype)


def _require_possible(params: Augment, spec: InputSpec, targets: TargetsPart | None) -> None:
    problems = []
    for place, step in enumerate(params.steps):
        reason = _impossible(step, spec) or (why_not(spec, targets) if isinstance(step, Mosaic) else None)
        if reason:
            problems.append(mismatch("recipe", f"training.augment.steps.{place}: {step.kind}", *reason))
    if problems:
        raise RecipeError(problems)


def _impossible(step: Any, spec: InputSpec) -> tuple[str, str, str] | None:
    """Returns what was expected, what is there and what to do, where a step does not go with the input."""
    if step.kind in WITHOUT_PICTURES:
        return None
    form = find_layout(spec.layout)
    if step.kind in SOUND:
        do = "leave the step out"
        return None if form.sound else ("clips of sound", f"{spec.layout} data", do)
    if not form.spatial:
        able = (*WITHOUT_PICTURES, *(SOUND if form.sound else ()))
        return "image data", f"{spec.layout} data", f"take {' or '.join(able)}, or leave the step out"
    height, width = spec.shape[1:]
    if step.kind == "dihedral" and height != width:
        return "square pictures", f"{height} x {width}", "take flip, which keeps height and width"
    if step.kind == "shift" and step.pixels >= min(height, width):
        return f"`pixels` below {min(height, width)}, the smaller side", f"{step.pixels}", "move by a part of a picture"
    return None
