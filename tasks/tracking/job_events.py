"""What is told of the runs of jobs: which job, what it reads and writes, and when it begins or ends."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tasks.tracking.datasets import Dataset, written_as

State = Literal["START", "COMPLETE", "FAIL", "ABORT"]


@dataclass
class JobRun:
    """One run of a job.

    Attributes:
        product: the name of the recipe.
        job: dotted: `digits.retrain`, and below it `digits.retrain.teacher`.
        id: a UUID.
        parent: the run that this one is a part of.
        inputs: what it reads.
        outputs: what it has written.
        mlflow_run: where its numbers are.
    """

    product: str
    job: str
    id: str
    parent: "JobRun | None"
    inputs: tuple[Dataset, ...]
    outputs: tuple[Dataset, ...] = ()
    mlflow_run: str = ""

    def made(self, result: object) -> None:
        """Notes the result of the run."""
        self.outputs = tuple(written_as(self.product, result))
        self.mlflow_run = getattr(result, "run_id", "")


@dataclass(frozen=True)
class JobEvent:
    """What one event says."""

    state: State
    time: datetime
    run: JobRun
    error: str = ""


Sink = Callable[[JobEvent], None]
