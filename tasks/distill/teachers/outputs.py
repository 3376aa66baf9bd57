"""From numbers that some teacher gave to named outputs of the data's kind of task."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from params.teacher import Gives
from tasks.contracts.records import DataSpec
from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, mismatch
from tasks.kinds.contract import HeadPart, Tensors, part

WHERE = "teacher"
LEAST = 1e-7
"""probability that a smaller one counts as, as its logarithm must be a number"""
MAPS = 4
"""axes of a batch of maps"""
SUMS_TO = 1e-3
"""difference from 1 at which the values of a row still are probabilities"""


def outputs_of_values(values: Tensor, gives: Gives, names: Sequence[str | None], spec: DataSpec) -> Tensors:
    """Returns named outputs of values (n, all outputs side by side), which are logits or probabilities.

    Maps have the places behind: (n, outputs, height, width).
    """
    logits = values.float().clamp_min(LEAST).log() if gives == "probabilities" else values.float()
    heads = part(spec.task, "head", HeadPart)
    if not names:
        return heads.named(logits, spec.targets)
    own = TargetCard(names=tuple(f"output {place}" for place in range(values.shape[1])), facts=spec.targets.facts)
    return heads.translated(heads.named(logits, own), names, spec.targets)


def gives_maps(task: str, targets: TargetCard) -> bool:
    """Says whether a teacher answers for each place of a picture: (n, outputs, height, width)."""
    form = part(task, "head", HeadPart).outputs(targets)
    return len(form) == 1 and len(form[0].axes) == MAPS


def shaped(found: object, maps: bool) -> NDArray[np.floating]:
    """Returns an output as values (n, outputs), or as maps (n, outputs, height, width) where it is one."""
    values = np.asarray(found)
    return values if maps and values.ndim == MAPS else values.reshape(len(values), -1)


def with_rest(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Returns probabilities with what they leave of 1 as one more output, in front."""
    return np.concatenate([np.clip(1 - values.sum(axis=1, keepdims=True), 0, 1), values], axis=1)


def require_width(where: str, field: str, got: int, names: Sequence[str | None], spec: DataSpec, some: bool) -> None:
    """Checks how many outputs a teacher has.

    Args:
        where: the file.
        field: of the recipe.
        got: how many there are.
        names: of each, where they are others than the data's.
        spec: of the data.
        some: whether only some outputs were named, by their places.

    Raises:
        DataError: more or fewer than there should be.
    """
    if not names:
        refused = part(spec.task, "head", HeadPart).refused_width(got, spec.targets)
        if refused is not None:
            raise DataError(mismatch(where, field, refused[0], f"{got}", refused[1]))
    elif got != len(names) and not (some and got > len(names)):
        do = "say in `teacher.classes` which output is which: the data's name for each in turn, null for none of them"
        expected = f"{len(names)} outputs, one for each name of `teacher.classes`"
        raise DataError(mismatch(where, field, expected, f"{got}", do))


def require_gives(where: str, gives: Gives, values: NDArray[np.floating]) -> None:
    """Checks that values (n, outputs, ...) are finite, and what the recipe says they are.

    Raises:
        DataError: they are not.
    """
    if not np.isfinite(values).all():
        row, column, *_ = (int(place) for place in np.argwhere(~np.isfinite(values))[0])
        wrong = values[~np.isfinite(values)][0]
        got, do = f"{wrong} in answer {row}, output {column}", "correct the teacher"
        raise DataError(mismatch(where, "", "finite numbers", got, do))
    sums = values.sum(axis=1)
    are = bool((values >= 0).all() and (values <= 1 + SUMS_TO).all() and (np.abs(sums - 1) <= SUMS_TO).all())
    if gives == "probabilities" and not are:
        got = (
            f"values from {values.min():.4g} to {values.max():.4g} with sums from {sums.min():.4g} to {sums.max():.4g}"
        )
        expected, do = "probabilities that sum to 1", "say `gives: logits` if that is what they are"
        raise DataError(mismatch(where, "teacher.gives", expected, got, do))
    if gives == "logits" and are and values.shape[1] > 1:
        expected, got = "logits", "values from 0 to 1 that sum to 1"
        raise DataError(mismatch(where, "teacher.gives", expected, got, "say `gives: probabilities`"))


def as_tensor(values: NDArray[np.floating]) -> Tensor:
    """Returns an array as float32."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
