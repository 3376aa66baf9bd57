"""A teacher that does harm: then the student learns from the labels alone, and what ships is made of that."""

from params.distill import Distill
from params.pipeline import Recipe
from params.student import Student
from params.weights.inits import FromChampion
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import DataRecord, ModelRecord, TeacherRecord
from tasks.contracts.words import difference_with_ends
from tasks.distill.task import distill_student
from tasks.evaluate.task import weigh_teacher
from tasks.kinds.limits import deciding
from tasks.training.loop import VALIDATION

ALONE = 1.0
"""`alpha` of a student that listens to the labels alone"""


def without_harm(
    recipe: Recipe,
    taught_by: tuple[TeacherRecord, ...],
    baseline: ModelRecord | None,
    student: ModelRecord,
    data: DataRecord,
    begin_alone: tuple[Student, Beginning | None],
) -> tuple[Distill, ModelRecord]:
    """Returns the student and how it learned; alone, where it is worse than its baseline beyond the interval.

    Alone it begins where the baseline began, as `begin_alone` says. Validation data decides, as on all that ships.
    Mutual learning has no teacher to leave out, and without labels there is nothing else to learn from.
    """
    if baseline is None:
        return recipe.distill, student
    metric = deciding(recipe.data.task)
    ours, theirs = (model.validation.get(f"{VALIDATION}{metric.name}", 0.0) for model in (student, baseline))
    if recipe.peer or metric.sign * (ours - theirs) >= 0:
        return recipe.distill, student
    worth = weigh_teacher(recipe.evaluate, baseline, student, data, recipe.seed).gains[metric.name]
    if worth.times(metric.sign).high >= 0:
        return recipe.distill, student
    alone = recipe.distill.model_copy(update={"alpha": ALONE})
    student_alone, start = begin_alone
    again = distill_student(student_alone, alone, taught_by, data, recipe.seed, start)
    told = (
        f"its teacher did harm on validation data: {metric.title} {difference_with_ends(metric, worth)} against the"
        " student alone; so it learned from the labels alone, as with `distill.alpha: 1`"
    )
    return alone, again.model_copy(update={"warnings": (*again.warnings, told)})


def without_teacher(student: Student) -> Student:
    """Returns the student as the baseline trains it: what the teacher gives is not there."""
    if not student.starts_from_teacher:
        return student
    init = student.init
    again = init.model_copy(update={"otherwise": "random"}) if isinstance(init, FromChampion) else "random"
    return student.model_copy(update={"init": again})
