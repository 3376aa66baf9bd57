"""The whole recipe: one product, from its data to the gate in front of the edge."""

from pydantic import Field

from params.compress import Compress
from params.data import Data
from params.distill import Distill
from params.evaluate import Evaluate
from params.promote import Promote
from params.section import Name, Section
from params.student import Student
from params.teacher import Teacher


class Recipe(Section):
    """One YAML file under `params/`, named after the product."""

    name: Name
    seed: int = Field(default=0, ge=0, lt=2**31)
    """of every training of this recipe; the split has its own"""
    data: Data
    teacher: Teacher
    student: Student
    distill: Distill = Distill()
    compress: Compress = Compress()
    evaluate: Evaluate = Evaluate()
    promote: Promote = Promote()
