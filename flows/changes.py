"""Is there anything to do? Answered from files and the ledger alone: no Prefect, no MLflow, no torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from params.pipeline import Recipe
from params.promote import ENVIRONMENTS
from tasks.contracts.records import DataRecord
from tasks.contracts.releases import Release
from tasks.core.errors import InputError, IntegrityError
from tasks.core.files import local_path, verified
from tasks.core.fingerprint import LIBRARIES, Ingredients, explain, flatten, library_versions, names_in, source_files
from tasks.core.record import essential
from tasks.core.source import ROOT
from tasks.data.versions.code import libraries_of
from tasks.data.versions.versioning import data_folder, recorded_version
from tasks.data.versions.watched import source_signature
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.removal import refuse_removed


@dataclass(frozen=True)
class Comparison:
    """A recipe as it stands now against its last run; `changes` is empty when there is nothing to do."""

    now: Ingredients
    last: ledger.PastRun | None
    changes: tuple[str, ...]


def compare(project: Path, recipe: Recipe) -> Comparison:
    """Returns what changed since the recipe last came to an end, in words."""
    now, last = ingredients_of(project, recipe), ledger.last_run(recipe.name)
    if last is None:
        return Comparison(now, None, ("it never ran here",))
    changes = explain(last.ingredients, now)
    return Comparison(now, last, changes or _damage(recipe.name, last.version))


def standstill(recipe: Recipe, comparison: Comparison) -> str:
    """Returns in words since when nothing changed, and where the version is that was made then."""
    last = comparison.last
    if last is None:
        return "it never ran here"
    history = History.load(recipe.name)
    where = [e for e in ENVIRONMENTS if history.champion(recipe.name, e) == last.version]
    place = f"in {' and '.join(where)}" if where else f"{last.outcome}, in no environment"
    since = f"{last.time.astimezone():%Y-%m-%d %H:%M}"
    return f"nothing changed since {since} (fingerprint {last.fingerprint[:8]}); version {last.version} is {place}"


def growth(comparison: Comparison, data: DataRecord) -> str:
    """Returns how many samples there were before and are now, to be put behind the data version; empty where as many.

    Only the samples that were prepared count, so this is known when the data stage is done.
    """
    last = comparison.last
    release = None if last is None else ledger.release_of(data.name, last.version)
    if release is None:
        return ""
    before, now = (sum(d.samples.values()) for d in (ledger.evaluation_of(release).data, data))
    return f" ({before:,} -> {now:,} samples)" if before != now else ""


def ingredients_of(project: Path, recipe: Recipe) -> Ingredients:
    """Returns everything the outcome depends on, as far as it is known before a stage runs."""
    return Ingredients(
        recipe=flatten(essential(recipe.model_sections)),
        data={
            "version": recorded_version(data_folder(project, recipe), recipe.name) or "not prepared yet",
            "source": source_signature(project, recipe),
        },
        code=code_of(recipe),
        libraries=library_versions(sorted({*LIBRARIES, *libraries_of(recipe)})),
    )


def code_of(recipe: Recipe) -> dict[str, str]:
    """Returns file -> digest of the source that the stages of a recipe use."""
    names = names_in(*(getattr(recipe, section) for section in recipe.model_sections))
    return {file: digest for task in task_functions(recipe) for file, digest in source_files(task, names, ROOT).items()}


def task_functions(recipe: Recipe) -> Iterator[str]:
    """Yields the task functions that a run of the recipe calls, as far as they decide on numbers."""
    yield "tasks.data.task:prepare_data"
    yield "tasks.data.fetch:fetch"  # DVC runs this one and the next
    yield "tasks.data.prepared.prepare:prepare"
    if recipe.teachers:
        yield "tasks.distill.teachers.task:train_teacher"
    if recipe.assistant:
        yield "tasks.distill.task:distill_assistant"
    yield f"tasks.distill.task:{'teach_each_other' if recipe.peer else 'distill_student'}"
    if not recipe.data.labels.none:
        yield "tasks.distill.task:train_baseline"
    yield "tasks.compress.task:compress_student"
    yield "tasks.evaluate.task:weigh_teacher"
    yield "tasks.evaluate.task:evaluate_candidates"
    yield "tasks.registry.task:register_student"


def _damage(model: str, version: int) -> tuple[str, ...]:
    """Returns what is wrong with the release that is there: an equal recipe is no comfort when its model is gone."""
    release = ledger.release_of(model, version)
    if release is None:
        return ("its release is not in the ledger",)
    try:
        refuse_removed(release, History.load(model))
        _verify(release)
    except (InputError, IntegrityError) as error:
        return (str(error),)
    return ()


def _verify(release: Release) -> None:
    for artefact in release.bundle:
        here = local_path(artefact.uri)
        if here is not None:
            verified(here, artefact)
