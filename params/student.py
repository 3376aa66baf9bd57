"""The small network that ships, its budget, and the networks that only help to train it."""

from typing import Self

from pydantic import model_validator

from params.distill import Distill
from params.models import Architecture, Init
from params.section import Section
from params.training import Processes, Training, require_shares


class Student(Section):
    """Trained twice on the same budget: with the teacher (the student) and without it (the baseline)."""

    architecture: Architecture
    training: Training
    init: Init = "random"
    """what the student starts from; the baseline starts from a checkpoint too, but never from the teacher"""
    fine_tune: Training | None = None
    """a second training on the hard labels alone, from the best epoch of the first"""
    processes: Processes = 1

    @model_validator(mode="after")
    def _batches_are_shared(self) -> Self:
        require_shares(self.processes, self.training, self.fine_tune)
        return self

    @property
    def starts_from_teacher(self) -> bool:
        """Whether weights of the teacher are where it starts."""
        return self.init != "random" and self.init.kind == "teacher"


class Assistant(Section):
    """A network of a size between teacher and student: it learns from the teacher, the student from it
    (Mirzadeh et al. 2020, arXiv:1902.03393).
    """

    architecture: Architecture
    training: Training
    distill: Distill = Distill()
    processes: Processes = 1

    @model_validator(mode="after")
    def _batches_are_shared(self) -> Self:
        require_shares(self.processes, self.training)
        return self


class Peer(Section):
    """A second student instead of a teacher: both learn from the labels and from each other (Zhang et al. 2018,
    arXiv:1706.00384); `student.training` is the budget of both.
    """

    architecture: Architecture
