"""What processes of a training do in tests, and a network without batch norm, which alone would not learn the same."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from params.student import Student
from tasks.contracts.records import InputSpec
from tasks.core.checkpoints import current, going_on
from tasks.core.progress import Advance
from tasks.distill.baseline import train_alone
from tasks.training.loop import OnEpoch
from tasks.training.network import PreparedData, Trained

LINEAR = {"kind": "import", "factory": "tests.training.distributed_work:linear"}


class Linear(nn.Module):
    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.head = nn.Linear(features, outputs)

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        answer: Tensor = self.head(inputs.float().flatten(1) / 255)
        return answer


def linear(input: InputSpec, outputs: int) -> nn.Module:  # noqa: A002 - the recipe's name for it
    return Linear(int(torch.tensor(input.shape).prod()), outputs)


def alone(given: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch) -> tuple[Trained, tuple[str, ...]]:
    """Trains as the recipe says; a process whose number is given ends in the midst of it, the first time."""
    student, data = Student.model_validate(given["student"]), PreparedData.open_folder(Path(given["folder"]))
    kept = current()
    with going_on(kept.folder if kept else None, every=0.0):
        _end_after(given)
        return train_alone(student, data, 3, advance, on_epoch), (f"{os.environ['RANK']}",)


def _end_after(given: Mapping[str, Any]) -> None:
    marker = Path(given.get("marker", "/nowhere"))
    if given.get("victim") != os.environ["RANK"] or marker.exists():
        return
    left = [given["steps"]]

    def count(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            marker.touch()
            os._exit(9)

    register_optimizer_step_post_hook(count)
