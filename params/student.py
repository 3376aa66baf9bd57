"""The small network that ships, its budget, and the networks that only help to train it."""

from typing import Self

from pydantic import model_validator

from params.distill import Distill
from params.models import Architecture
from params.section import Section
from params.training import Processes, Training, require_champion, require_shares
from params.weights.inits import FromChampion, Init, Otherwise
from params.weights.packages import Pretrained


class Student(Section):
    """Trained twice on the same budget: with the teacher (the student) and without it (the baseline)."""

    architecture: Architecture
    """the network"""
    training: Training
    init: Init = "random"
    """what the student starts from; the baseline starts from a file or published weights too, never from the teacher"""
    fine_tune: Training | None = None
    """a second training on the hard labels alone, from the best epoch of the first"""
    processes: Processes = 1
    """that train it together, each on its share of every batch"""

    @model_validator(mode="after")
    def _batches_are_shared(self) -> Self:
        require_shares(self.processes, self.training, self.fine_tune)
        require_champion(self.fine_tune, *(() if isinstance(self.init, FromChampion) else (self.training,)))
        return self

    @property
    def first_init(self) -> Otherwise:
        """What it starts from where no release is there to go on from."""
        return self.init.otherwise if isinstance(self.init, FromChampion) else self.init

    @property
    def published(self) -> Pretrained | None:
        """The published weights that it starts from, or may."""
        return self.first_init if isinstance(self.first_init, Pretrained) else None

    @property
    def starts_from_teacher(self) -> bool:
        """Whether weights of the teacher are where it starts, or may be."""
        return self.first_init != "random" and self.first_init.kind == "teacher"


class Assistant(Section):
    """A network of a size between teacher and student: it learns from the teacher, the student from it
    (Mirzadeh et al. 2020, arXiv:1902.03393).
    """

    architecture: Architecture
    """the network"""
    training: Training
    distill: Distill = Distill()
    processes: Processes = 1
    """that train it together, each on its share of every batch"""

    @model_validator(mode="after")
    def _batches_are_shared(self) -> Self:
        require_shares(self.processes, self.training)
        require_champion(self.training)
        return self


class Peer(Section):
    """A second student instead of a teacher: both learn from the labels and from each other (Zhang et al. 2018,
    arXiv:1706.00384); `student.training` is the budget of both.
    """

    architecture: Architecture
    """the network"""
