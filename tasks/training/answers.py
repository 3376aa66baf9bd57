"""Outputs and targets by name, of data that knows them by place."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.contracts.records import DatasetCard
from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Arrays, HeadPart, part


def target_card(data: DatasetCard) -> TargetCard:
    """Returns what is known of the targets of prepared data."""
    return data.targets


def by_name(labels: NDArray[np.int64], data: DatasetCard) -> Targets:
    """Returns labels (n,) or (n, heads) by name."""
    labels = labels if labels.ndim == 2 else labels[:, None]
    return Targets({column.name: labels[:, place] for place, column in enumerate(data.columns)})


def named(logits: NDArray[Any], data: DatasetCard) -> Arrays:
    """Returns outputs that stand side by side, (n, outputs), by name."""
    head: HeadPart = part(data.task, "head", HeadPart)
    found = head.named(torch.from_numpy(np.ascontiguousarray(logits)), target_card(data))
    return {name: values.numpy() for name, values in found.items()}
