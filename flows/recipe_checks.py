"""What in a recipe is allowed but unwise, and what must be pinned before it runs."""

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from params.distill import Distill
from params.models import Architecture, ImportedArchitecture
from params.objectives import FeatureObjective
from params.pipeline import Recipe
from params.student import Student
from params.teacher import AnswersTeacher, CommandTeacher, OnnxTeacher, Teacher, TrainedTeacher, WeightsTeacher
from params.training import Training
from params.weights.inits import FromChampion
from tasks.contracts.records import DataSpec, InputSpec, Statistics
from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, RecipeError, mismatch
from tasks.core.files import sha256_of
from tasks.core.record import canonical_digest
from tasks.data.versions.versioning import data_folder, recorded_data
from tasks.kinds.contract import TargetsPart, part
from tasks.layouts import find_layout

if TYPE_CHECKING:
    from tasks.models.build import Network

FIELD = "student.init.weights"


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
    update: dict[str, Any] = {}
    match teacher:
        case TrainedTeacher():
            update = {"architecture": _with_source(teacher.architecture)}
        case WeightsTeacher():
            update = {"architecture": _with_source(teacher.architecture)}
            if teacher.weights is not None and teacher.weights_sha256 is None:
                update["weights_sha256"] = _digest_of_weights(project / teacher.weights, "teacher.weights")
        case OnnxTeacher(package=None, sha256=None) | AnswersTeacher(sha256=None):
            update = {"sha256": _digest_of_file(project / teacher.file, "teacher.file")}
        case CommandTeacher(program_sha256=None):
            update = {"program_sha256": _digest_of_program(project, teacher.command)}
    return teacher.model_copy(update=update)


def _digest_of_program(project: Path, command: Sequence[str]) -> str:
    """Returns one digest of the files that a command names; the answers of a program that reads others are its own."""
    files = [word for word in command if (project / word).is_file()]
    return canonical_digest({word: sha256_of(project / word) for word in files})


def _pinned_student(project: Path, student: Student) -> Student:
    init, first = student.init, student.first_init
    if first == "random" or first.kind != "checkpoint" or first.weights_sha256 is not None:
        return student
    file = first.model_copy(update={"weights_sha256": _digest_of_weights(project / first.weights, FIELD)})
    again = init.model_copy(update={"otherwise": file}) if isinstance(init, FromChampion) else file
    return student.model_copy(update={"init": again})


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
    return _digest_of_file(path, field, "a safetensors file")


def _digest_of_file(path: Path, field: str, expected: str = "a file") -> str:
    if not path.is_file():
        raise DataError(mismatch(str(path), field, expected, "no such file", "correct the path"))
    return sha256_of(path)


def advice_on(project: Path, recipe: Recipe) -> list[str]:
    """Returns warnings about a valid recipe.

    Raises:
        RecipeError: a network cannot take the samples; an objective names a layer that is not there, or that does not
            suit it; batch norm is to be frozen where there is none.
    """
    _check_networks(recipe)
    _check_published(recipe)
    _look_at_teachers(project, recipe)
    _check_layers(recipe)
    nearest = _architecture_of(recipe.teacher)
    if nearest is None or recipe.student.architecture == nearest or _loads_by_itself(recipe.teacher):
        return []  # mutual learning and self-distillation: of equal size on purpose; or nothing tells a size
    sizes = {
        "teacher": _parameters(nearest, recipe),
        "student": _parameters(recipe.student.architecture, recipe),
    }
    if sizes["student"] < sizes["teacher"]:
        return []
    file = project / "params" / f"{recipe.name}.yaml"
    got = f"about {sizes['student']:,} parameters against {sizes['teacher']:,}"
    do = "make the student smaller; it will ship"
    return [mismatch(str(file), "student.architecture", "a student smaller than its teacher", got, do)]


def _look_at_teachers(project: Path, recipe: Recipe) -> None:
    """Looks at the headers of what was brought along.

    Raises:
        DataError: a file is not there, is cut short, or does not fit the data.
        RecipeError: a factory does not return a network.
    """
    brought = [teacher for teacher in recipe.teachers if not isinstance(teacher, TrainedTeacher)]
    if brought:
        from tasks.distill.teachers.teacher_kind import Place, kind_of

        data, targets = recorded_data(data_folder(project, recipe), recipe.name), _declared_targets(recipe)
        known = data.targets if data else targets
        place = Place(project, recipe.data.task, _nominal_spec(recipe), recipe.data.reader.sized, known)
        for teacher in brought:
            kind_of(teacher).look(teacher, place)


def _declared_targets(recipe: Recipe) -> TargetCard | None:
    """Returns the targets where the recipe itself names all of them."""
    declared = recipe.data.declared
    if not all(facts.get("names") for facts in declared.values()):
        return None
    return part(recipe.data.task, "targets", TargetsPart).card((), declared)


def _architecture_of(teacher: Teacher | None) -> Architecture | None:
    """Returns that of a teacher which is a network."""
    return teacher.architecture if isinstance(teacher, TrainedTeacher | WeightsTeacher) else None


def _loads_by_itself(teacher: Teacher | None) -> bool:
    return isinstance(teacher, WeightsTeacher) and isinstance(teacher.architecture, ImportedArchitecture)


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


def _check_published(recipe: Recipe) -> None:
    """Looks whether published weights have names that are known, for the networks that are to begin with some."""
    from tasks.models.published import require_published_names

    if isinstance(recipe.teacher, TrainedTeacher) and recipe.teacher.published:
        require_published_names(recipe.teacher.architecture, "teacher")
    if recipe.student.published:
        require_published_names(recipe.student.architecture, "student")


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
        if (architecture := _architecture_of(teacher)) is not None:
            yield field, architecture, {f"{field}.training": getattr(teacher, "training", None)}
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
    nearest = _architecture_of(recipe.teacher)
    if recipe.assistant:
        if nearest is not None:
            yield recipe.assistant.distill, recipe.assistant.architecture, nearest
        nearest = recipe.assistant.architecture
    if nearest is not None:
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
