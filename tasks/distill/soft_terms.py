"""The soft-label objectives of a recipe, added up: per head, per sequence or per step, where the teacher may speak."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from params.distill import Distill
from params.objectives import SoftLabelObjective
from tasks.distill.annealing import value_at
from tasks.distill.confidence import speaking
from tasks.distill.objectives.common.load_objective import soft_label_objective
from tasks.distill.soft_labels.source import Per
from tasks.kinds.kind import TaskKind
from tasks.models.recurrent import mean_over_frames
from tasks.training.batches import Batch
from tasks.training.predict import steps_side_by_side, tensors_side_by_side


@dataclass(frozen=True)
class Answer:
    """What a network says: logits (batch, outputs) and, where asked per step, steps (batch, frames, outputs)."""

    logits: Tensor
    steps: Tensor | None = None

    @classmethod
    def of(cls, network: nn.Module, batch: Batch, per_step: bool) -> "Answer":
        """Asks a network; the mean of its steps over the frames that are there is its logits."""
        if not per_step:
            return cls(tensors_side_by_side(network(batch.inputs)))
        return cls.of_steps(steps_side_by_side(network(batch.inputs, steps=True)), batch)

    @classmethod
    def of_steps(cls, steps: Tensor, batch: Batch) -> "Answer":
        """Returns the answer that steps (batch, frames, outputs) amount to."""
        return cls(mean_over_frames(steps, batch.inputs["lengths"]), steps)


def per_of(params: Distill) -> Per:
    """Returns what the teacher is asked: for each sequence, or for each step; the mean of its steps is the same."""
    return "step" if any(getattr(objective, "per", "") == "step" for objective in params.objectives) else "sequence"


class SoftTerms:
    """Adds up `weight * objective` over the soft-label objectives, for each head."""

    def __init__(self, params: Distill, kind: TaskKind, epochs: int) -> None:
        self.params, self.kind, self.epochs = params, kind, epochs
        self.objectives = [o for o in params.objectives if isinstance(o, SoftLabelObjective)]
        self.per_step = per_of(params) == "step"

    def __call__(self, student: Answer, teacher: Answer, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Returns one sum per head (heads,), and what is worth showing."""
        labels = self.kind.head_labels(batch.labels)
        shown: dict[str, Tensor] = {}
        sums = [
            self._sum(Answers(*pair), mine, batch, shown)
            for pair, mine in zip(zip(self._heads(student), self._heads(teacher), strict=True), labels, strict=True)
        ]
        return torch.stack(sums), shown

    def _heads(self, answer: Answer) -> list[Answer]:
        """Cuts an answer into those of the heads."""
        logits = self.kind.heads(answer.logits)
        steps = [None] * len(logits) if answer.steps is None else self.kind.heads(answer.steps)
        return [Answer(*both) for both in zip(logits, steps, strict=True)]

    def _sum(self, answers: "Answers", labels: Tensor, batch: Batch, shown: dict[str, Tensor]) -> Tensor:
        speaks = self._speaks(answers.teacher.logits, labels)
        if speaks is not None:
            shown["soft_labels_speaking"] = (speaks > 0).float().mean()
        total = answers.student.logits.new_zeros(())
        for objective in self.objectives:
            rows = answers.rows(objective.per, labels, speaks, batch)
            value = self._value(objective, rows, batch)
            total = total + value_at(objective.weight, batch.chunk.epoch, self.epochs) * value
            if len(self.objectives) > 1:
                name = f"{objective.kind}_loss"
                shown[name] = shown[name] + value if name in shown else value
        return total

    def _value(self, objective: SoftLabelObjective, rows: "Rows", batch: Batch) -> Tensor:
        scheduled = getattr(objective, "temperature", None) or self.params.temperature
        temperature = value_at(scheduled, batch.chunk.epoch, self.epochs)
        function = soft_label_objective(objective.kind)
        if not len(rows.labels):
            return rows.student.sum()  # nobody speaks: zero, and still a part of the graph
        losses = function(rows.student, rows.teacher, rows.labels, temperature, objective)
        if rows.weights is not None:
            losses = losses * rows.weights
        return losses.sum() / len(batch.labels)

    def _speaks(self, teacher_logits: Tensor, labels: Tensor) -> Tensor | None:
        """Returns how loud each soft label is (batch,); None where all speak alike."""
        mode, threshold = self.params.confidence_mode, self.params.confidence_threshold
        if mode == "drop" and threshold == 0:
            return None
        right = teacher_logits.argmax(dim=1) == labels
        return speaking(mode, threshold, self.kind.confidence(teacher_logits), right)


@dataclass(frozen=True)
class Rows:
    """What an objective is taken over: logits (n, classes), labels (n,), weights (n,) or None for ones."""

    student: Tensor
    teacher: Tensor
    labels: Tensor
    weights: Tensor | None


@dataclass(frozen=True)
class Answers:
    """Student and teacher on the same batch, one head."""

    student: Answer
    teacher: Answer

    def rows(self, per: str, labels: Tensor, speaks: Tensor | None, batch: Batch) -> Rows:
        """Returns one row per sample, or per frame that is there; only those whose soft label speaks.

        The frames of a sequence share its weight, so that a long one is no louder than a short one.
        """
        if per == "sequence":
            return _speaking(Rows(self.student.logits, self.teacher.logits, labels, speaks))
        assert self.student.steps is not None, "asked per step"
        assert self.teacher.steps is not None, "asked per step"
        lengths = batch.inputs["lengths"]
        frames = self.student.steps.shape[1]
        there = torch.arange(frames, device=labels.device).unsqueeze(0) < lengths.unsqueeze(1)
        loudness = 1 / lengths.to(self.student.steps.dtype) if speaks is None else speaks / lengths
        weights = loudness.unsqueeze(1).expand(-1, frames)[there]
        every = labels.unsqueeze(1).expand(-1, frames)[there]
        return _speaking(Rows(self.student.steps[there], self.teacher.steps[:, :frames][there], every, weights))


def _speaking(rows: Rows) -> Rows:
    if rows.weights is None:
        return rows
    loud = rows.weights > 0
    return Rows(rows.student[loud], rows.teacher[loud], rows.labels[loud], rows.weights[loud])
