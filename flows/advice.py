"""What in a recipe is allowed but unwise, and what must be pinned before it runs."""

import importlib.util
from pathlib import Path
from typing import Literal

from params.models import Architecture, ImportedArchitecture
from params.pipeline import Recipe
from params.student import Student
from params.teacher import Teacher
from tasks.errors import DataError, RecipeError, mismatch
from tasks.files import sha256_of
from tasks.records import InputSpec, Statistics

NOMINAL_OUTPUTS = 10


def pinned(project: Path, recipe: Recipe) -> Recipe:
    """Returns the recipe with the digests of what it names by path only: weights and code that are brought along.

    Without them a new file under the old name would go unnoticed.

    Raises:
        RecipeError: a factory's module is not there.
        DataError: the weights are not there.
    """
    teachers = tuple(_pinned_teacher(project, teacher) for teacher in recipe.teachers)
    parts = {
        name: part.model_copy(update={"architecture": _with_source(part.architecture)})
        for name in ("student", "assistant", "peer")
        if (part := getattr(recipe, name)) is not None
    }
    first = {"teacher": teachers[0]} if teachers else {}
    student = _pinned_student(project, parts.pop("student"))
    return recipe.model_copy(update={**first, **parts, "student": student, "ensemble": teachers[1:]})


def _pinned_teacher(project: Path, teacher: Teacher) -> Teacher:
    teacher = teacher.model_copy(update={"architecture": _with_source(teacher.architecture)})
    if teacher.weights is None or teacher.weights_sha256 is not None:
        return teacher
    return teacher.model_copy(
        update={"weights_sha256": _digest_of_weights(project / teacher.weights, "teacher.weights")}
    )


def _pinned_student(project: Path, student: Student) -> Student:
    init = student.init
    if init == "random" or init.kind != "checkpoint" or init.weights_sha256 is not None:
        return student
    digest = _digest_of_weights(project / init.weights, "student.init.weights")
    return student.model_copy(update={"init": init.model_copy(update={"weights_sha256": digest})})


def _with_source(architecture: Architecture) -> Architecture:
    if not isinstance(architecture, ImportedArchitecture):
        return architecture
    module = architecture.factory.partition(":")[0]
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None or found.origin is None:
        do = "install the package, or correct the path"
        raise RecipeError([mismatch("recipe", f"factory: {architecture.factory}", "a module", "none", do)])
    return architecture.model_copy(update={"source_sha256": sha256_of(Path(found.origin))})


def _digest_of_weights(path: Path, field: str) -> str:
    if not path.is_file():
        raise DataError(mismatch(str(path), field, "a safetensors file", "no such file", "correct the path"))
    return sha256_of(path)


def advice_on(project: Path, recipe: Recipe) -> list[str]:
    """Returns warnings about a valid recipe."""
    if recipe.teacher is None or recipe.student.architecture == recipe.teacher.architecture:
        return []  # mutual learning and self-distillation: of equal size on purpose
    sizes = {role: _parameters(getattr(recipe, role).architecture, recipe) for role in ("teacher", "student")}
    if sizes["student"] < sizes["teacher"]:
        return []
    file = project / "params" / f"{recipe.name}.yaml"
    got = f"about {sizes['student']:,} parameters against {sizes['teacher']:,}"
    do = "make the student smaller; it will ship"
    return [mismatch(str(file), "student.architecture", "a student smaller than its teacher", got, do)]


def _parameters(architecture: Architecture, recipe: Recipe) -> int:
    """Returns the size of a network on nominal data; nothing is allocated."""
    import torch

    from tasks.models.build import build_model, count_parameters

    reader = recipe.data.reader
    dtype: Literal["uint8", "float32"] = "uint8" if reader.layout == "image" else "float32"
    spec = InputSpec(layout=reader.layout, dtype=dtype, shape=reader.nominal_shape)
    statistics = Statistics(mean=(0.0,) * spec.features, std=(1.0,) * spec.features)
    with torch.device("meta"):
        return count_parameters(build_model(architecture, spec, NOMINAL_OUTPUTS, statistics))
