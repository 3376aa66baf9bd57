"""What in a recipe is allowed but unwise, and what must be pinned before it runs."""

import importlib.util
from pathlib import Path

from params.models import Architecture, ImportedArchitecture
from params.pipeline import Recipe
from tasks.errors import DataError, RecipeError, mismatch
from tasks.files import sha256_of
from tasks.records import InputSpec, Statistics

NOMINAL = {
    "pixel_table": InputSpec(layout="image", dtype="uint8", shape=(1, 16, 16)),
    "image_folder": InputSpec(layout="image", dtype="uint8", shape=(3, 32, 32)),
    "time_series": InputSpec(layout="sequence", dtype="float32", shape=(32, 16)),
    "table": InputSpec(layout="vector", dtype="float32", shape=(16,)),
}
"""a sample of the kind that a reader gives, for counting parameters before there is any data"""
NOMINAL_OUTPUTS = 10


def pinned(project: Path, recipe: Recipe) -> Recipe:
    """Returns the recipe with the digests of what it names by path only: weights and code that are brought along.

    Without them a new file under the old name would go unnoticed.

    Raises:
        RecipeError: a factory's module is not there.
        DataError: the weights are not there.
    """
    teacher = recipe.teacher.model_copy(update={"architecture": _with_source(recipe.teacher.architecture)})
    student = recipe.student.model_copy(update={"architecture": _with_source(recipe.student.architecture)})
    if teacher.weights is not None and teacher.weights_sha256 is None:
        teacher = teacher.model_copy(update={"weights_sha256": _digest_of_weights(project / teacher.weights)})
    return recipe.model_copy(update={"teacher": teacher, "student": student})


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


def _digest_of_weights(path: Path) -> str:
    if not path.is_file():
        raise DataError(
            mismatch(str(path), "teacher.weights", "a safetensors file", "no such file", "correct the path")
        )
    return sha256_of(path)


def advice_on(project: Path, recipe: Recipe) -> list[str]:
    """Returns warnings about a valid recipe."""
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

    spec = NOMINAL[recipe.data.reader.kind]
    statistics = Statistics(mean=(0.0,) * spec.features, std=(1.0,) * spec.features)
    with torch.device("meta"):
        return count_parameters(build_model(architecture, spec, NOMINAL_OUTPUTS, statistics))
