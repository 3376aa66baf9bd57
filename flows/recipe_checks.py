"""What in a recipe is allowed but unwise, and what must be pinned before it runs."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from params.distill import Distill
from params.models import Architecture, ImportedArchitecture
from params.objectives import FeatureObjective
from params.pipeline import Recipe
from params.student import Student
from params.teacher import Teacher
from params.training import Training
from tasks.contracts.records import DataSpec, InputSpec, Statistics
from tasks.core.errors import DataError, RecipeError, mismatch
from tasks.core.files import sha256_of
from tasks.kinds.contract import TargetsPart, part
from tasks.layouts import find_layout

if TYPE_CHECKING:
    from tasks.models.build import Network


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
    """Returns warnings about a valid recipe.

    Raises:
        RecipeError: a network cannot take the samples; an objective names a layer that is not there, or that does not
            suit it; batch norm is to be frozen where there is none.
    """
    _check_networks(recipe)
    _check_layers(recipe)
    if recipe.teacher is None or recipe.student.architecture == recipe.teacher.architecture:
        return []  # mutual learning and self-distillation: of equal size on purpose
    sizes = {role: _parameters(getattr(recipe, role).architecture, recipe) for role in ("teacher", "student")}
    if sizes["student"] < sizes["teacher"]:
        return []
    file = project / "params" / f"{recipe.name}.yaml"
    got = f"about {sizes['student']:,} parameters against {sizes['teacher']:,}"
    do = "make the student smaller; it will ship"
    return [mismatch(str(file), "student.architecture", "a student smaller than its teacher", got, do)]


def _check_networks(recipe: Recipe) -> None:
    """Looks at each network and at what its budgets ask of it, before the trainings that come first.

    Raises:
        RecipeError: every problem at once.
    """
    from tasks.models.layers import require_fit
    from tasks.training.batch_norm import require_batch_norm

    problems: dict[str, None] = {}
    for field, architecture, budgets in _networks(recipe):
        if isinstance(architecture, ImportedArchitecture):
            continue
        try:
            network = _network(architecture, recipe)
            if recipe.data.reader.sized:
                require_fit(network, f"{field}.architecture")
            for budget, training in budgets.items():
                if training:
                    require_batch_norm(network, training, budget)
        except RecipeError as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise RecipeError([*problems])


def _check_layers(recipe: Recipe) -> None:
    """Looks for the layers that objectives name, now and not when an hour of teacher training is over."""
    for distill, *pair in _lessons(recipe):
        features = [o for o in distill.objectives if isinstance(o, FeatureObjective)]
        if features and not any(isinstance(architecture, ImportedArchitecture) for architecture in pair):
            from tasks.distill.feature_terms import FeatureTerms

            student, teacher = (_network(architecture, recipe) for architecture in pair)
            FeatureTerms(features, student, teacher, 2, 1, lambda _batch: None).remove()


def _networks(recipe: Recipe) -> Iterator[tuple[str, Architecture, dict[str, Training | None]]]:
    """Yields each network, its field in the recipe, and its budgets by their fields."""
    teachers = [("teacher", recipe.teacher)] if recipe.teacher else []
    for field, teacher in [*teachers, *((f"ensemble.{place}", one) for place, one in enumerate(recipe.ensemble))]:
        yield field, teacher.architecture, {f"{field}.training": teacher.training}
    if recipe.assistant:
        yield "assistant", recipe.assistant.architecture, {"assistant.training": recipe.assistant.training}
    student = recipe.student
    budgets = {"student.training": student.training, "student.fine_tune": student.fine_tune}
    yield "student", student.architecture, budgets
    if recipe.peer:
        yield "peer", recipe.peer.architecture, {"student.training": student.training}


def _lessons(recipe: Recipe) -> Iterator[tuple[Distill, Architecture, Architecture]]:
    """Yields how, to whom and by whom something is taught; the first of several teachers is looked into."""
    if recipe.teacher is None:
        return
    nearest = recipe.teacher.architecture
    if recipe.assistant:
        yield recipe.assistant.distill, recipe.assistant.architecture, nearest
        nearest = recipe.assistant.architecture
    yield recipe.distill, recipe.student.architecture, nearest


def _parameters(architecture: Architecture, recipe: Recipe) -> int:
    """Returns the size of a network on nominal data."""
    from tasks.models.build import count_parameters

    return count_parameters(_network(architecture, recipe))


def _network(architecture: Architecture, recipe: Recipe) -> "Network":
    """Returns a network for nominal data that has shapes and no values: a slip in a size must not fill the memory."""
    import torch

    from tasks.models.build import build_model

    spec = _nominal_spec(recipe)
    features = find_layout(spec.layout).features(spec.shape)
    statistics = Statistics(mean=(0.0,) * features, std=(1.0,) * features)
    with torch.device("meta"):
        targets = part(recipe.data.task, "targets", TargetsPart).nominal()
        data = DataSpec(input=spec, task=recipe.data.task, targets=targets, statistics=statistics)
        return build_model(architecture, data)


def _nominal_spec(recipe: Recipe) -> InputSpec:
    reader = recipe.data.reader
    return InputSpec(layout=reader.layout, dtype=find_layout(reader.layout).dtype, shape=reader.nominal_shape)
