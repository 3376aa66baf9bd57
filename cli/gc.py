"""`stillhouse gc`: removes what no alias, no row of the ledger and no lineage needs, and says what that was.

Nothing is remembered between two clean-ups: what may go is found anew each time, so one that was killed is finished by
the next. A version is recorded as removed before anything of it goes.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from cli.console import console
from tasks.contracts.releases import Release
from tasks.core.errors import InputError, mismatch
from tasks.core.locks import alone
from tasks.core.workspace import prepare_environment, state_dir
from tasks.data.versions.versioning import recorded_version
from tasks.registry import removal
from tasks.registry.channel.paths import keys_root, served_root
from tasks.registry.ledger import decisions
from tasks.registry.ledger import entries as ledger
from tasks.registry.promotion import reconcile
from tasks.registry.versions import delete_version, registry_lock
from tasks.upkeep import caches
from tasks.upkeep import channel_files as channel
from tasks.upkeep import mlflow_runs as runs
from tasks.upkeep.garbage import Garbage, at, within
from tasks.upkeep.needs import Needs, Version, needs_of


def collect_garbage(keep: int | None, model: str | None, version: int | None, dry_run: bool) -> None:
    """Removes what nothing needs, with versions if that is asked for, and prints how much of what.

    Args:
        keep: remove the versions older than the newest so many of each model, but for those that must stay.
        model: of the one version to remove.
        version: to remove.
        dry_run: say it only.

    Raises:
        InputError: the options do not fit each other, or there is no such version.
        RefusedError: the version must stay.
        BusyError: a run is going on.
    """
    if (model is None) != (version is None) or (keep is not None and model is not None):
        do = "give `--model` and `--version` together, or `--keep` alone"
        raise InputError(mismatch("stillhouse gc", "", "one version, or how many to keep", "something else", do))
    prepare_environment()
    with alone(), registry_lock():
        for line in () if dry_run else reconcile():
            console.print(f"[yellow]finished[/] {line}", soft_wrap=True)
        chosen = tuple(_chosen(keep, model, version))
        reason = "by hand" if keep is None else f"older than the newest {keep}"
        for release in chosen:
            _part_with(release, reason, dry_run)
        _sweep({(release.model, release.version) for release in chosen}, dry_run)


def _chosen(keep: int | None, model: str | None, version: int | None) -> Iterator[Release]:
    """Yields the releases that are to be removed now."""
    if model is not None and version is not None:
        yield removal.removable(model, version)
    elif keep is not None:
        yield from removal.older(keep, _last())


def _last() -> set[Version]:
    """Returns what the last run of each recipe came to: it tells whether there is anything to do."""
    runs_so_far = {recipe: ledger.last_run(recipe) for recipe in ledger.recipes()}
    return {(recipe, run.version) for recipe, run in runs_so_far.items() if run is not None}


def _part_with(release: Release, reason: str, dry_run: bool) -> None:
    """Records that a version is removed, which a dry run only says."""
    if not dry_run:
        removal.remove(release, reason)
    words = "would be removed" if dry_run else "removed"
    console.print(f"{words}: {release.model} version {release.version}, made {release.created:%Y-%m-%d}")


def _sweep(about_to_go: set[Version], dry_run: bool) -> None:
    """Removes what is found, kind by kind, and prints how much that was."""
    found = dict(_found({*decisions.removals(), *about_to_go}))
    for things in () if dry_run else found.values():
        for thing in things:
            thing.remove()
    console.print("would be removed:" if dry_run else "removed:")
    for kind, things in found.items():
        size = sum(thing.bytes for thing in things)
        console.print(f"  {kind:<30} {len(things):>7,} {size:>16,} bytes", soft_wrap=True)


def _found(gone: set[Version]) -> Iterator[tuple[str, Sequence[Garbage]]]:
    """Yields each kind in the order in which it must go: first what points to others, last what tells of them."""
    made = [(release, ledger.evaluation_of(release)) for release in ledger.releases()]
    removed = needs_of(pair for pair in made if (pair[0].model, pair[0].version) in gone)
    kept = needs_of(pair for pair in made if (pair[0].model, pair[0].version) not in gone)
    every = runs.all_runs()
    spent = [runs.as_garbage(run) for run in runs.unneeded(every, kept, removed)]
    variants = [at(folder) for folder in _variants(kept)]
    doomed = frozenset(thing.path for thing in (*spent, *variants) if thing.path)
    teachers = kept.teachers | set(runs.digests(every, kept))
    yield "results of stages", [*caches.results(_prefect_results(), doomed)]
    yield "runs in MLflow", spent
    yield "data variants", variants
    yield "views of soft labels", [*caches.soft_labels(state_dir() / "soft-labels", teachers, kept.data)]
    yield "leftovers of interruptions", [thing for root in _roots() for thing in caches.leftovers(root)]
    yield "superseded files of channels", [*channel.superseded(served_root())]
    yield "versions in MLflow", [*_versions(gone)]


def _variants(kept: Needs) -> Iterator[Path]:
    """Yields the variants of data that no kept release and no last run refers to, by folder or by version."""
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


def _prefect_results() -> Path:
    from prefect.settings import get_current_settings

    return Path(get_current_settings().results.local_storage_path)
