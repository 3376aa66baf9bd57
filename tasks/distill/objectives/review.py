"""Knowledge review: shallow layers of the student, helped by deeper ones, learn from layers of the teacher."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from params.objectives import Review
from tasks.distill.objectives.features import Features, FeatureShape, aligned
from tasks.distill.objectives.hierarchy import apart
from tasks.distill.objectives.pairs import comparable
from tasks.distill.objectives.planes import Plane
from tasks.distill.objectives.projection import Projection, SteadyNorm

WIDEST = 512
"""channels in which layers are fused"""


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
        guess = Plane(self.widen(fused.values), plane.there).at_each_place(self.norm)
        return guess, fused

    @staticmethod
    def _fused(plane: Plane, above: Plane, mix: nn.Linear) -> Plane:
        brought = functional.interpolate(above.values, plane.values.shape[2:], mode="nearest")
        both = Plane(torch.cat([plane.values, brought], dim=1), plane.there)
        shares = both.at_each_place(mix).values.sigmoid()
        return Plane(plane.values * shares[:, :1] + brought * shares[:, 1:], plane.there).cleared()


def _kernel(student: FeatureShape, teacher: FeatureShape) -> tuple[int, int]:
    """Returns how far a convolution looks: nowhere in vectors, along the frames, or all around."""
    axes = {len(shape.positions) for shape in (student, teacher)}
    return {1: (1, 3), 2: (3, 3)}.get(axes.pop(), (1, 1)) if len(axes) == 1 else (1, 1)
