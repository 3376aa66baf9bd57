"""What nothing needs any more: neither an alias, nor a row of the ledger, nor a lineage.

Nothing is remembered between two clean-ups: what may go is found each time, so one that was killed is finished by the
next. A version is recorded as removed before anything of it goes.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tasks.contracts.releases import Release
from tasks.contracts.scores import EvaluationRecord
from tasks.core.workspace import state_dir
from tasks.data.versions.versioning import recorded_version
from tasks.registry import removal
from tasks.registry.channel.paths import keys_root, served_root
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.versions import delete_version
from tasks.upkeep import caches
from tasks.upkeep import mlflow_runs as runs
from tasks.upkeep.garbage import Garbage, at, within
from tasks.upkeep.mlflow_models import unneeded_models
from tasks.upkeep.needs import Made, Needs, Version, needs_of


def chosen_versions(keep: int | None, model: str | None, version: int | None) -> Iterator[Release]:
    """Yields the releases that are to be removed now."""
    if model is not None and version is not None:
        yield removal.removable(model, version, History.load(model))
    elif keep is not None:
        yield from removal.older(keep, _last(), History.load())


def _last() -> set[Version]:
    """Returns what the last run of each recipe came to: it tells whether there is anything to do."""
    runs_so_far = {recipe: ledger.last_run(recipe) for recipe in ledger.recipes()}
    return {(recipe, run.version) for recipe, run in runs_so_far.items() if run is not None}


def found(gone: set[Version], results: Path) -> Iterator[tuple[str, Sequence[Garbage]]]:
    """Yields each kind in the order in which it must go: first what points to others, last what they are found by.

    Args:
        gone: the versions that are removed, or about to be.
        results: the folder in which Prefect keeps results of stages.
    """
    made = [(release, ledger.evaluation_of(release)) for release in ledger.releases()]
    removed = needs_of(pair for pair in made if (pair[0].model, pair[0].version) in gone)
    staying = [pair for pair in made if (pair[0].model, pair[0].version) not in gone]
    kept = needs_of(staying, _begun_with(staying, made))
    every = runs.all_runs()
    spent = [runs.as_garbage(run) for run in runs.unneeded(every, kept, removed)]
    variants = [at(folder) for folder in _variants(kept)]
    doomed = frozenset(thing.path for thing in (*spent, *variants) if thing.path)
    teachers = kept.teachers | set(runs.digests(every, kept))
    yield "results of stages", [*caches.results(results, doomed)]
    yield "runs in MLflow", spent
    yield "models in MLflow", [*unneeded_models(kept)]
    yield "data variants", variants
    yield "views of soft labels", [*caches.soft_labels(state_dir() / "soft-labels", teachers, kept.data)]
    yield "leftovers of interruptions", [thing for root in _roots() for thing in caches.leftovers(root)]
    yield "superseded files of channels", [*caches.superseded(served_root())]
    yield "versions in MLflow", [*_versions(gone)]


def _begun_with(staying: Sequence[Made], made: Sequence[Made]) -> Iterator[EvaluationRecord]:
    """Yields the evaluations of the releases whose weights those that stay began with."""
    evaluations = {(release.model, release.version): evaluation for release, evaluation in made}
    for release, evaluation in staying:
        for version in {one.version for one in evaluation.beginnings.values()}:
            if version is not None:
                yield evaluations[release.model, version]


def _variants(kept: Needs) -> Iterator[Path]:
    """Yields the variants of data that no release that stays and no last run refers to, by folder or version."""
    last = {run.ingredients.data["version"] for run in map(ledger.last_run, ledger.recipes()) if run}
    for folder in sorted((state_dir() / "variants").glob("[!.]*")):
        version = recorded_version(folder, folder.name.rpartition("-")[0])
        named = any(within(data, frozenset({folder})) for data in kept.folders)
        if not named and version not in last | kept.data_versions:
            yield folder


def _versions(gone: set[Version]) -> Iterator[Garbage]:
    """Yields what MLflow's registry still holds of removed versions, and teachers that taught no other."""
    for release in ledger.releases():
        if (release.model, release.version) in gone and removal.unfinished(release):
            yield Garbage(f"{release.model} {release.version}", 0, partial(removal.finish, release))
    for model, version in removal.idle_teachers(gone):
        yield Garbage(f"{model} {version}", 0, partial(delete_version, model, version))


def _roots() -> tuple[Path, ...]:
    """Returns the folders that are ours to write in: channels and their keys may lie elsewhere."""
    state = state_dir()
    return (state, *(root for root in (served_root(), keys_root()) if not root.is_relative_to(state)))
