"""The student, and the same student without the teacher: equal architecture, seed, budget and order of samples."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from params.distill import Distill
from params.student import Student
from tasks.distill.objectives import confident, mixed_loss, soft_label_loss
from tasks.distill.soft_labels import SoftLabels, soft_labels_of
from tasks.kinds.kind import TaskKind
from tasks.models.build import Network
from tasks.progress import Advance
from tasks.training.batches import Batch
from tasks.training.loop import Objective, OnEpoch
from tasks.training.network import PreparedData, Trained, hard_labels_only, train_network


@dataclass(frozen=True)
class Teaching:
    """A teacher that is ready to be asked, and the key under which its soft labels are kept."""

    network: Network
    key: dict[str, str]
    store: Path


def train_alone(params: Student, data: PreparedData, seed: int, advance: Advance, on_epoch: OnEpoch) -> Trained:
    """Returns the baseline: the student without a teacher."""
    objective = hard_labels_only(data.kind)
    return train_network(
        params.architecture, params.training, data, lambda _network: objective, seed, advance, on_epoch
    )


def distill(
    params: Student,
    distillation: Distill,
    teaching: Teaching,
    data: PreparedData,
    seed: int,
    advance: Advance,
    on_epoch: OnEpoch,
) -> Trained:
    """Returns the student: `alpha * CE + (1 - alpha) * T^2 * KL`, with soft labels from disk.

    Raises:
        IntegrityError: the soft labels on disk are not this teacher's.
    """
    labels = soft_labels_of(
        teaching.network.eval(), teaching.key, data.splits.train, data.outputs, teaching.store, advance
    )
    objective = soft_and_hard(distillation, labels, data.kind)
    return train_network(
        params.architecture, params.training, data, lambda _network: objective, seed, advance, on_epoch
    )


def soft_and_hard(params: Distill, labels: SoftLabels, kind: TaskKind) -> Objective:
    """Returns the objective of a distilled student; also shows both terms and the part of soft labels that spoke."""

    def objective(logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        teacher_logits = torch.from_numpy(labels.at(batch.rows)).to(logits.device)
        hard = kind.hard_loss(logits, batch.labels)
        soft = soft_label_loss(logits, teacher_logits, params.temperature)
        speaks = confident(kind.confidence(teacher_logits), params.confidence_threshold)
        return {
            "loss": mixed_loss(hard, soft, speaks, params.alpha),
            "hard_loss": hard,
            "soft_loss": soft.mean(),
            "soft_labels_speaking": speaks.mean(),
        }

    return objective
