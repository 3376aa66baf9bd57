"""Outputs and targets by name, of networks, files and data that know them by place."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.contracts.records import DatasetCard
from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Arrays, HeadPart, part
from tasks.runtime.bundle.session import Session
from tasks.training.arrays import Arrays as Samples
from tasks.training.predict import logits_of


def target_card(data: DatasetCard) -> TargetCard:
    """Returns what is known of the targets of prepared data."""
    return data.targets


def targets_of(samples: Samples, data: DatasetCard) -> Targets:
    """Returns the labels of samples by name."""
    return by_name(samples.labels, data)


def batch_targets(labels: Tensor, data: DatasetCard) -> Targets:
    """Returns the labels of a batch by name."""
    return by_name(labels.cpu().numpy(), data)


def by_name(labels: NDArray[np.int64], data: DatasetCard) -> Targets:
    """Returns labels (n,) or (n, heads) by name."""
    labels = labels if labels.ndim == 2 else labels[:, None]
    return Targets({column.name: labels[:, place] for place, column in enumerate(data.columns)})


def network_outputs(network: nn.Module, samples: Samples, data: DatasetCard) -> Arrays:
    """Returns the outputs of a network by name."""
    return named(logits_of(network, samples), data)


def file_outputs(session: Session, samples: Samples, data: DatasetCard) -> Arrays:
    """Returns the outputs of a file by name."""
    return named(session.predict(samples.inputs, samples.lengths), data)


def named(logits: NDArray[Any], data: DatasetCard) -> Arrays:
    """Returns outputs that stand side by side, (n, outputs), by name."""
    head: HeadPart = part(data.task, "head", HeadPart)  # type: ignore[type-abstract]
    found = head.named(torch.from_numpy(np.ascontiguousarray(logits)), target_card(data))
    return {name: values.numpy() for name, values in found.items()}
