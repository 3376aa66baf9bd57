"""The soft-label objectives of a recipe, added up: per head, per sample or per step, where soft labels are selected."""

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from params.distill import Distill
from params.objectives import SoftLabelObjective
from tasks.contracts.targets import TargetCard
from tasks.distill.annealing import value_at
from tasks.distill.confidence import select, share_selected
from tasks.distill.objectives.common.load_objective import soft_label_objective
from tasks.kinds.contract import LogitRows, LossPart, Per, Tensors

Parts = dict[tuple[str, str], Tensor]
"""(objective, head) -> what it adds to the loss of that head, ()"""
K = TypeVar("K")
SELECTED = "soft_labels_selected"
"""the metric that says what part of the soft labels has a weight"""


def per_of(params: Distill) -> Per:
    """Returns what the teacher is asked for: one output for each sequence, or one for each step as well."""
    return "step" if any(getattr(objective, "per", "") == "step" for objective in params.objectives) else "sequence"


@dataclass(frozen=True)
class OutputPair:
    """Outputs of student and teacher for one batch, and what they should be; None where that is not known of all."""

    student: Tensors
    teacher: Tensors
    targets: Tensors | None

    @property
    def samples(self) -> int:
        """The size of the batch."""
        return len(next(iter(self.student.values())))


class SoftTerms:
    """Adds up `weight * objective` over the soft-label objectives, for each head."""

    def __init__(self, params: Distill, losses: LossPart, card: TargetCard, epochs: int) -> None:
        self.params, self.losses, self.card, self.epochs = params, losses, card, epochs
        self.objectives = [o for o in params.objectives if isinstance(o, SoftLabelObjective)]

    def __call__(self, pair: OutputPair, epoch: int) -> tuple[dict[str, Tensor], dict[str, Tensor], Parts]:
        """Returns the sum () of each head that has rows, what is worth showing, and what the sums are made of."""
        shares: list[Tensor] = []
        rows = {per: self._rows(pair, per, shares) for per in dict.fromkeys(o.per for o in self.objectives)}
        shown = {SELECTED: torch.stack(shares).mean()} if shares else {}
        sums: dict[str, Tensor] = {}
        parts: Parts = {}
        for objective in self.objectives:
            weight = value_at(objective.weight, epoch, self.epochs)
            for one in rows[objective.per]:
                value = self._value(objective, one, pair.samples, epoch)
                _add(sums, one.head, weight * value)
                _add(parts, (objective.kind, one.head), weight * value)
                if len(self.objectives) > 1:
                    _add(shown, f"{objective.kind}_loss", value)
        return sums, shown, parts

    def _rows(self, pair: OutputPair, per: Per, shares: list[Tensor]) -> list[LogitRows]:
        """Returns the rows of all heads; where some may have no weight, `shares` gets the part that has one."""
        found = list(self.losses.rows(pair.student, pair.teacher, pair.targets, self.card, per))
        if self.params.confidence_mode == "drop" and self.params.confidence_threshold == 0:
            return found
        shares += [share_selected(one, self.params, pair.samples) for one in found]
        return [select(one, self.params) for one in found]

    def _value(self, objective: SoftLabelObjective, rows: LogitRows, samples: int, epoch: int) -> Tensor:
        """Returns the mean () of an objective over samples; those whose soft label is not selected count as 0."""
        temperature = value_at(getattr(objective, "temperature", None) or self.params.temperature, epoch, self.epochs)
        if not len(rows.student):
            return rows.student.sum()  # zero, and still a part of the graph
        losses = soft_label_objective(objective.kind)(rows.student, rows.teacher, rows.labels, temperature, objective)
        return (losses if rows.weights is None else losses * rows.weights).sum() / samples


def _add(sums: dict[K, Tensor], name: K, value: Tensor) -> None:
    sums[name] = sums[name] + value if name in sums else value
