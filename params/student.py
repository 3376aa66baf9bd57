"""The small network that ships, and the budget it shares with its baseline."""

from params.models import Architecture
from params.section import Section
from params.training import Training


class Student(Section):
    """Trained twice on the same budget: with the teacher (the student) and without it (the baseline)."""

    architecture: Architecture
    training: Training
