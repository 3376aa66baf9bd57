"""Is there anything to do? Answered from files and the ledger alone: no Prefect, no MLflow, no torch."""

from dataclasses import dataclass
from pathlib import Path

from params.pipeline import Recipe
from tasks.data.versioning import data_folder, recorded_version, source_signature
from tasks.errors import InputError, IntegrityError
from tasks.files import local_path, verified
from tasks.fingerprint import LIBRARIES, STAGE_ROOMS, Ingredients, explain, flatten, library_versions, source_digest
from tasks.registry import ledger
from tasks.registry.removal import refuse_removed
from tasks.releases import Release


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


def ingredients_of(project: Path, recipe: Recipe) -> Ingredients:
    """Returns everything the outcome depends on, as far as it is known before a stage runs."""
    return Ingredients(
        recipe=flatten(recipe.model_dump(mode="json")),
        data={
            "version": recorded_version(data_folder(project, recipe), recipe.name) or "not prepared yet",
            "source": source_signature(project, recipe),
        },
        code={room: source_digest(room) for room in STAGE_ROOMS},
        libraries=library_versions(LIBRARIES),
    )


def _damage(model: str, version: int) -> tuple[str, ...]:
    """Returns what is wrong with the release that is there: an equal recipe is no comfort when its model is gone."""
    release = ledger.release_of(model, version)
    if release is None:
        return ("its release is not in the ledger",)
    try:
        refuse_removed(release)
        _verify(release)
    except (InputError, IntegrityError) as error:
        return (str(error),)
    return ()


def _verify(release: Release) -> None:
    for artefact in release.bundle:
        here = local_path(artefact.uri)
        if here is not None:
            verified(here, artefact)
