"""Variational information: how well the student's layer foretells the teacher's."""

from collections.abc import Sequence
from math import expm1, log

import torch
from torch import Tensor, nn
from torch.nn import functional

from params.objectives import Vid
from tasks.distill.objectives.common.features import Features, FeatureShape, Places, aligned
from tasks.distill.objectives.common.pairs import SumOverPairs

SMALLEST = 1e-5
"""variance"""


class VidLoss(SumOverPairs[Vid]):
    """Negative log-likelihood `((t - mu(s))^2 / sigma^2 + log sigma^2) / 2`, mean over channels and positions.

    Ahn et al. 2019 (arXiv:1904.05835), section 2, the variance per channel as `softplus(parameter) + 1e-5`. The
    constant log(2 pi) / 2 is left out, so that the loss may be negative.
    """

    def __init__(
        self, params: Vid, student: Sequence[FeatureShape], teacher: Sequence[FeatureShape], _samples: int
    ) -> None:
        super().__init__(params, student, teacher)
        self.guesses = nn.ModuleList(Guess(*pair, params.variance) for pair in self.shapes)

    def pair(self, place: int, student: Features, teacher: Features) -> Tensor:
        """Returns the loss () of one pair of layers."""
        ours, theirs = (Places.of(side) for side in aligned(student, teacher))
        mean, variance = self.guesses[place](ours.rows)
        return ours.mean(((theirs.rows - mean).square() / variance + variance.log()) / 2)


class Guess(nn.Module):
    """A normal distribution of the teacher's channels, given those of the student; mean and variance learn."""

    def __init__(self, student: FeatureShape, teacher: FeatureShape, variance: float) -> None:
        super().__init__()
        width = teacher.channels
        self.mean = nn.Sequential(
            nn.Linear(student.channels, width, bias=False),
            nn.ReLU(),
            nn.Linear(width, width, bias=False),
            nn.ReLU(),
            nn.Linear(width, width, bias=False),
        )
        self.raw_variance = nn.Parameter(torch.full((width,), log(expm1(variance - SMALLEST))))

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the mean (n, channels of the teacher) and the variance (channels of the teacher,)."""
        return self.mean(rows), functional.softplus(self.raw_variance) + SMALLEST


OBJECTIVE = VidLoss
