"""What layers of two networks give, and how it is made comparable."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from tasks.distill.objectives.common.tensors import wide


@dataclass(frozen=True)
class FeatureShape:
    """What a layer gives for one sample; `positions` is (), (frames,) or (height, width)."""

    channels: int
    positions: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Features:
    """What a layer gave for a batch: values (batch, channels, *positions); positions are as in `FeatureShape`.

    `mask` is float (batch, frames), 1 for frames that are no padding; None where no frame is padding.
    """

    values: Tensor
    mask: Tensor | None = None

    def cleared(self) -> "Features":
        """Returns the same in at least float32, with zeros in place of whatever the padding holds."""
        values = wide(self.values)
        if self.mask is None:
            return Features(values)
        return Features(values.masked_fill(self.mask.unsqueeze(1) == 0, 0), self.mask.to(values.dtype))

    def detached(self) -> "Features":
        """Returns the same without a gradient."""
        return Features(self.values.detach(), self.mask)


@dataclass(frozen=True, eq=False)
class Places:
    """Every place that the mask holds, one after the other: rows (n, channels), and weights (n,) that add up to 1.

    The places of a sample share its weight, so that a long sequence is no louder than a short one.
    """

    rows: Tensor
    weights: Tensor

    @classmethod
    def of(cls, features: Features) -> "Places":
        """Takes features apart."""
        last = features.values.movedim(1, -1)
        if features.mask is None:
            rows = last.reshape(-1, last.shape[-1])
            return cls(rows, rows.new_full((len(rows),), 1 / max(len(rows), 1)))
        weights = features.mask / features.mask.sum(dim=1, keepdim=True) / len(features.mask)
        valid = features.mask.bool()
        return cls(last[valid], weights[valid])

    def mean(self, losses: Tensor) -> Tensor:
        """Returns the mean () over channels, places and samples of losses (n, channels)."""
        return (losses.mean(dim=1) * self.weights).sum()


def pooled(features: Features) -> Tensor:
    """Returns the mean (batch, channels) over the positions that the mask holds."""
    values = features.values
    if features.mask is not None:
        mask = features.mask.unsqueeze(1)
        return (values * mask).sum(dim=2) / mask.sum(dim=2)
    return values if values.ndim == 2 else values.flatten(2).mean(dim=2)


def aligned(student: Features, teacher: Features) -> tuple[Features, Features]:
    """Returns both with equal positions.

    Along each axis the larger is brought to the smaller by adaptive average pooling. Where one of them has other axes
    (a picture and a vector), both are pooled to vectors. Sequences that are padded have equal frames from the start.
    """
    ours, theirs = student.values, teacher.values
    if ours.ndim != theirs.ndim:
        return Features(pooled(student)), Features(pooled(teacher))
    if ours.shape[2:] == theirs.shape[2:]:
        return student, Features(theirs, student.mask)
    sizes = [min(pair) for pair in zip(ours.shape[2:], theirs.shape[2:], strict=True)]
    return Features(_resized(ours, sizes)), Features(_resized(theirs, sizes))


def _resized(values: Tensor, sizes: list[int]) -> Tensor:
    if list(values.shape[2:]) == sizes:
        return values
    if len(sizes) == 1:
        return functional.adaptive_avg_pool1d(values, sizes[0])
    return functional.adaptive_avg_pool2d(values, (sizes[0], sizes[1]))
