"""The small network that ships, its budget, and the networks that only help to train it."""

from params.distill import Distill
from params.initialise import Init
from params.models import Architecture
from params.section import Section
from params.training import Training


class Student(Section):
    """Trained twice on the same budget: with the teacher (the student) and without it (the baseline)."""

    architecture: Architecture
    training: Training
    init: Init = "random"
    """what the student starts from; the baseline starts from a checkpoint too, but never from the teacher"""
    fine_tune: Training | None = None
    """a second training on the hard labels alone, from the best epoch of the first"""

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


class Peer(Section):
    """A second student instead of a teacher: both learn from the labels and from each other (Zhang et al. 2018,
    arXiv:1706.00384); `student.training` is the budget of both.
    """

    architecture: Architecture
