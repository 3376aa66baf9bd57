"""MLflow runs that nothing needs: failed or killed ones, and those that only removed versions are made of."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tasks.core.files import local_path
from tasks.core.workspace import state_dir
from tasks.tracking.artifacts import remove_artifacts
from tasks.tracking.runs import PARENT, RECIPE, STAGE, USES, client
from tasks.upkeep.garbage import Garbage, discard, size_of
from tasks.upkeep.needs import Needs, Version

BROKEN = ("FAILED", "KILLED")
PAGE = 1_000


@dataclass(frozen=True)
class Run:
    """What MLflow has on record of a run, as far as upkeep needs it."""

    id: str
    name: str
    status: str
    artifacts: str
    """where they lie"""
    tags: Mapping[str, str]


@dataclass(frozen=True)
class FlowRun:
    """A retrain: its parent run, what it registered, and the runs that made its stages, its own or earlier ones.

    Attributes:
        id: of the parent run.
        version: that came of it; None where nothing did.
        stages: run -> digest of the record it made, empty where that was not noted.
    """

    id: str
    version: Version | None
    stages: Mapping[str, str]


def all_runs() -> tuple[Run, ...]:
    """Returns every run of every experiment that is not marked as deleted."""
    experiments = [experiment.experiment_id for experiment in client().search_experiments()]
    page = client().search_runs(experiments, max_results=PAGE)
    found = list(page)
    while page.token:
        page = client().search_runs(experiments, max_results=PAGE, page_token=page.token)
        found += page
    return tuple(map(run_of, found))


def run_of(run: Any) -> Run:
    """Returns what upkeep needs of a run of MLflow's."""
    return Run(run.info.run_id, str(run.info.run_name), run.info.status, str(run.info.artifact_uri), run.data.tags)


def flow_runs(runs: Iterable[Run]) -> tuple[FlowRun, ...]:
    """Returns the retrains among some runs."""
    return tuple(_flow_run(run) for run in runs if RECIPE in run.tags)


def unneeded(runs: Sequence[Run], kept: Needs, removed: Needs) -> tuple[Run, ...]:
    """Returns the runs that may go, parents last: their tags name the stages until these are gone.

    Args:
        runs: all of them.
        kept: what releases need that stay.
        removed: what those needed that are gone, or about to go.
    """
    retrains = flow_runs(runs)
    needed, spent = _used(retrains, kept), _used(retrains, removed)
    held = {uri.rpartition("/")[0] for uri in kept.uris}
    found = [
        run
        for run in runs
        if (_is_broken(run) or not spent.isdisjoint((run.id, run.tags.get(PARENT))))
        and run.id not in needed
        and not any(_inside(folder, run.artifacts) for folder in held)
    ]
    return tuple(sorted(found, key=lambda run: PARENT not in run.tags))


def _used(retrains: Iterable[FlowRun], needs: Needs) -> set[str]:
    """Returns the runs that records name, and all that the retrains used which came to these versions."""
    came = [retrain for retrain in retrains if retrain.version in needs.versions]
    return {*needs.runs, *(run for retrain in came for run in (retrain.id, *retrain.stages))}


def _inside(folder: str, root: str) -> bool:
    """Says whether a folder of artifacts is in that of a run; MLflow writes a local one as a path or as a URI."""
    inner, outer = local_path(folder), local_path(root)
    return inner.is_relative_to(outer) if inner and outer else f"{folder}/".startswith(f"{root}/")


def folder_of(run: Run) -> Path | None:
    """Returns the folder that holds the artifacts of a run and nothing else; None where that is on a server."""
    path = local_path(run.artifacts)
    return path.parent if path and path.name == "artifacts" and path.parent.name == run.id else path


def as_garbage(run: Run) -> Garbage:
    """Returns a run with its artifacts as garbage; the record of a run goes last, and can be restored in MLflow."""
    folder = folder_of(run)
    size = size_of(folder) if folder else 0
    return Garbage(f"{run.name} {run.id}", size, partial(_remove, run, folder), folder)


def _remove(run: Run, folder: Path | None) -> None:
    if folder is None:
        remove_artifacts(run.artifacts)
    else:
        discard(folder)
    client().delete_run(run.id)


def _is_broken(run: Run) -> bool:
    """Says whether a run failed or was killed.

    A run that MLflow calls running and that has scratch on this machine was killed: gc works alone here. One without
    scratch may be running on another machine.
    """
    scratch = state_dir() / "work" / run.id
    return run.status in BROKEN or (run.status == "RUNNING" and scratch.is_dir())


def _flow_run(run: Run) -> FlowRun:
    tags = run.tags
    version = tags.get("model_version")
    noted = {name.removeprefix(USES): tags[name] for name in tags if name.startswith(USES)}
    stages = {tags[name]: "" for name in tags if name.startswith(f"{STAGE}.")}
    return FlowRun(run.id, (tags[RECIPE], int(version)) if version else None, stages | noted)


def digests(runs: Iterable[Run], kept: Needs) -> Iterator[str]:
    """Yields the digests of all that the retrains used whose versions stay: of every teacher, too."""
    for retrain in flow_runs(runs):
        if retrain.version in kept.versions:
            yield from filter(None, retrain.stages.values())
