"""Knowledge review: shallow layers of the student, helped by deeper ones, learn from layers of the teacher."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from params.objectives import Review
from tasks.distill.objectives.common.features import Features, FeatureShape, aligned
from tasks.distill.objectives.common.pairs import comparable
from tasks.distill.objectives.common.projection import Projection, SteadyNorm

WIDEST = 512
"""channels in which layers are fused"""
LEVELS = (4, 2, 1)
"""sizes to which a plane is pooled; only those that are smaller than it"""


@dataclass(frozen=True, eq=False)
class Plane:
    """Values (batch, channels, height, width): a vector is 1x1, a sequence 1 x frames.

    `mask` is (batch, frames) for sequences, also where nothing is padded; None for all others.
    """

    values: Tensor
    mask: Tensor | None = None

    @classmethod
    def of(cls, features: Features) -> "Plane":
        """Adds the axes that are missing."""
        values = features.values
        if values.ndim == 3:
            frames = values.new_ones(values.shape[0], values.shape[2])
            return cls(values.unsqueeze(2), frames if features.mask is None else features.mask)
        return cls(values if values.ndim == 4 else values[:, :, None, None])

    def cleared(self) -> "Plane":
        """Returns the same with zeros where the mask is 0."""
        if self.mask is None:
            return self
        return Plane(self.values * self.mask[:, None, None, :], self.mask)

    def at_each_place(self, module: nn.Module) -> "Plane":
        """Returns what a module for rows (n, channels) makes of each place; zeros where the mask is 0."""
        last = self.values.movedim(1, -1)
        if self.mask is None:
            changed = module(last.reshape(-1, last.shape[-1]))
            return Plane(changed.reshape(*last.shape[:-1], -1).movedim(-1, 1))
        valid = self.mask.unsqueeze(1).bool()
        rows = module(last[valid])
        changed = rows.new_zeros(*last.shape[:-1], rows.shape[-1])
        changed[valid] = rows
        return Plane(changed.movedim(-1, 1), self.mask)


class ReviewLoss(nn.Module):
    """Fuses the student's layers from the deepest upwards and compares each with the teacher's layer beside it.

    Chen et al. 2021 (arXiv:2104.09044), section 3.3: attention-based fusion and hierarchical context loss. Positions of
    a pair are made equal before; frames of padding neither move a norm nor reach a neighbour.
    """

    def __init__(
        self, params: Review, student: Sequence[FeatureShape], teacher: Sequence[FeatureShape], _samples: int
    ) -> None:
        super().__init__()
        self.params = params
        middle, deepest = min(WIDEST, student[-1].channels), len(student) - 1
        self.fusions = nn.ModuleList(
            Fusion(ours, theirs, middle, fuses=place < deepest)
            for place, (ours, theirs) in enumerate(zip(student, teacher, strict=True))
        )

    def forward(
        self, student: Sequence[Features], teacher: Sequence[Features], _labels: Tensor, _rows: Tensor
    ) -> Tensor:
        """Returns one loss (), the sum over the pairs, which go from shallow to deep."""
        losses, above = [], None
        pairs = [aligned(*comparable(*pair)) for pair in zip(student, teacher, strict=True)]
        for fusion, (ours, theirs) in reversed(list(zip(self.fusions, pairs, strict=True))):
            guess, above = fusion(Plane.of(ours), above)
            losses.append(apart(guess, Plane.of(theirs)))
        return torch.stack(losses).sum()


class Fusion(nn.Module):
    """1x1 convolution and batch norm, a weighted sum with what comes from above, 3x3 convolution and batch norm."""

    def __init__(self, student: FeatureShape, teacher: FeatureShape, middle: int, fuses: bool) -> None:
        super().__init__()
        self.narrow = Projection(student.channels, middle)
        self.mix = nn.Linear(2 * middle, 2) if fuses else None
        self.widen = nn.Conv2d(middle, teacher.channels, _kernel(student, teacher), padding="same", bias=False)
        self.norm = SteadyNorm(teacher.channels)
        for weight in (self.narrow.linear.weight, self.widen.weight):
            nn.init.kaiming_uniform_(weight, a=1)

    def forward(self, plane: Plane, above: Plane | None) -> tuple[Plane, Plane]:
        """Returns the guess at the teacher's layer, and what the next layer down is fused with."""
        fused = plane.at_each_place(self.narrow)
        if self.mix is not None and above is not None:
            fused = self._fused(fused, above, self.mix)
        guess = Plane(self.widen(fused.values), plane.mask).at_each_place(self.norm)
        return guess, fused

    @staticmethod
    def _fused(plane: Plane, above: Plane, mix: nn.Linear) -> Plane:
        brought = functional.interpolate(above.values, plane.values.shape[2:], mode="nearest")
        both = Plane(torch.cat([plane.values, brought], dim=1), plane.mask)
        shares = both.at_each_place(mix).values.sigmoid()
        return Plane(plane.values * shares[:, :1] + brought * shares[:, 1:], plane.mask).cleared()


def _kernel(student: FeatureShape, teacher: FeatureShape) -> tuple[int, int]:
    """Returns how far a convolution looks: nowhere in vectors, along the frames, or all around."""
    axes = {len(shape.positions) for shape in (student, teacher)}
    return {1: (1, 3), 2: (3, 3)}.get(axes.pop(), (1, 1)) if len(axes) == 1 else (1, 1)


def apart(student: Plane, teacher: Plane) -> Tensor:
    """Returns the mean squared distance () at full size and pooled to 4, 2 and 1.

    Hierarchical context loss, Chen et al. 2021 (arXiv:2104.09044), section 3.3, with the weights 1, 1/2, 1/4, ... over
    their sum. A sequence is pooled over the frames that the mask holds.
    """
    gap = student.values - teacher.values
    sizes = _sizes(student)
    loss, weight, total = _at_full_size(gap, student.mask), torch.ones_like(sizes), torch.ones_like(sizes)
    for level in LEVELS:
        weight = torch.where(sizes > level, weight / 2, weight)
        counts = weight * (sizes > level)
        if student.mask is None and not bool(min(gap.shape[2:]) > level):
            continue
        loss = loss + counts * _pooled(gap, student.mask, level).square().mean(dim=(1, 2))
        total = total + counts
    return (loss / total).mean()


def _sizes(plane: Plane) -> Tensor:
    """Returns the shorter side of a picture, or the frames of a sequence, for each sample (batch,)."""
    if plane.mask is not None:
        return plane.mask.sum(dim=1)
    return plane.values.new_full((len(plane.values),), min(plane.values.shape[2:]))


def _at_full_size(gap: Tensor, mask: Tensor | None) -> Tensor:
    squares = gap.square().mean(dim=1).flatten(1)
    return squares.mean(dim=1) if mask is None else (squares * mask).sum(dim=1) / mask.sum(dim=1)


def _pooled(gap: Tensor, mask: Tensor | None, level: int) -> Tensor:
    """Returns (batch, channels, parts): parts are `level` stretches of frames or `level` x `level` tiles.

    Part j reaches from floor(j * size / level) to ceil((j + 1) * size / level), as in adaptive pooling.
    """
    if mask is None:
        return functional.adaptive_avg_pool2d(gap, level).flatten(2)
    frames = mask.sum(dim=1).long()[:, None, None]
    parts = torch.arange(level, device=gap.device)[None, :, None]
    frame = torch.arange(mask.shape[1], device=gap.device)[None, None, :]
    within = (frame >= parts * frames // level) & (frame < -(-(parts + 1) * frames // level))
    shares = within / within.sum(dim=2, keepdim=True)
    return gap.squeeze(2) @ shares.to(gap.dtype).transpose(1, 2)


OBJECTIVE = ReviewLoss
