"""Losses of segmentation: cross-entropy over the pixels that have a class, and rows of logits, one per pixel.

Soft labels are taken on a grid of every fourth row and column: neighbours say nearly the same, and a whole map of
logits of a picture of 480 x 360 with 11 classes would be 4 megabytes on disk.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Asked, LogitRows, Per, Tensors
from tasks.kinds.segmentation.names import IGNORED, LOGITS, MASK, STRIDE, boundary_of, weights_of

HEAD = "mask"


class SegmentationLoss:
    """The part of the kind."""

    def heads(self, card: TargetCard) -> tuple[str, ...]:
        """Returns the only head."""
        return (HEAD,)

    def training_head(self, trained: Iterable[Targets], card: TargetCard, teacher: Asked | None) -> nn.Module | None:
        """Returns None: all that learns is in the network."""
        return None

    def losses(self, outputs: Tensors, targets: Tensors, card: TargetCard, smoothing: float) -> Mapping[str, Tensor]:
        """Returns the cross-entropy () in nats, weighted mean over the pixels of the batch that have a class."""
        mask, logits = targets[MASK].long(), outputs[LOGITS]
        weights = _pixel_weights(mask, card, logits)
        known = torch.where(mask == IGNORED, 0, mask)
        losses = functional.cross_entropy(logits, known, reduction="none", label_smoothing=smoothing)
        return {HEAD: (losses * weights).sum() / weights.sum().clamp_min(1e-6)}

    def rows(
        self, student: Tensors, teacher: Tensors, targets: Tensors | None, card: TargetCard, per: Per
    ) -> Iterator[LogitRows]:
        """Yields one row for each pixel of the grid; those of one picture share its weight.

        Pixels of no class are left out. Of pictures without masks nothing says which these are, so all have rows.
        """
        ours, theirs = _same_grid(student[LOGITS], teacher[LOGITS])
        labels = None if targets is None else grid(targets[MASK]).long()
        valid = torch.ones_like(theirs[:, 0], dtype=torch.bool) if labels is None else labels != IGNORED
        sample = torch.arange(len(valid), device=valid.device).reshape(-1, 1, 1).expand_as(valid)[valid]
        share = 1 / valid.sum(dim=(1, 2)).clamp_min(1).to(ours.dtype)
        ours, theirs = (side.permute(0, 2, 3, 1)[valid] for side in (ours, theirs))
        labels = None if labels is None else labels[valid]
        certainty = functional.softmax(theirs, dim=1).amax(dim=1)
        right = None if labels is None else theirs.argmax(dim=1) == labels
        yield LogitRows(HEAD, ours, theirs, labels, share[sample], certainty, right)

    def groups(self, targets: Tensors) -> Tensor | None:
        """Returns None: a picture is of no class."""
        return None

    def mean_of(self, teachers: Sequence[Tensors], weights: Sequence[float]) -> Tensors:
        """Returns the mean of the logits: the geometric mean of the distributions."""
        return {
            name: torch.stack([weight * one[name] for weight, one in zip(weights, teachers, strict=True)]).sum(dim=0)
            for name in teachers[0]
        }

    def kept(self, outputs: Tensors) -> Tensors:
        """Returns the logits (batch, rows, columns, classes) of the pixels of the grid."""
        return {LOGITS: grid(outputs[LOGITS]).permute(0, 2, 3, 1).contiguous()}

    def given(self, kept: Tensors) -> Tensors:
        """Returns logits (batch, classes, rows, columns) of the pixels of the grid."""
        return {LOGITS: kept[LOGITS].permute(0, 3, 1, 2)}


def grid(values: Tensor) -> Tensor:
    """Returns of values (..., height, width) those at every `STRIDE`-th row and column."""
    return values[..., STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]


def _same_grid(ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    """Returns both on the grid: a peer answers for each pixel, a teacher's soft labels are of the grid already."""
    return grid(ours), grid(theirs) if theirs.shape == ours.shape else theirs


def _pixel_weights(mask: Tensor, card: TargetCard, logits: Tensor) -> Tensor:
    """Returns the weight (batch, height, width) of each pixel in the hard loss."""
    valid = mask != IGNORED
    weights = valid.to(logits.dtype)
    if (by_class := weights_of(card)) is not None:
        weights = weights * torch.tensor(by_class, dtype=logits.dtype, device=logits.device)[mask.where(valid, 0)]
    if more := boundary_of(card):
        weights = weights * (1 + more * _beside_another(mask, valid))
    return weights


def _beside_another(mask: Tensor, valid: Tensor) -> Tensor:
    """Returns (batch, height, width) 1 where one of the eight neighbours has another class, else 0."""
    values = mask.float()
    most = functional.max_pool2d(values.where(valid, -1.0), 3, stride=1, padding=1)
    least = -functional.max_pool2d(-values.where(valid, float(IGNORED)), 3, stride=1, padding=1)
    return (most > least).float()


PART = SegmentationLoss()
