"""What may be wrong on this machine: every check, by name, with the command that repairs what it finds."""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import packages_distributions
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from tasks.core import process_lease, servers
from tasks.core.errors import InputError
from tasks.core.servers import without_login
from tasks.core.workspace import state_dir
from tasks.distill.teachers.teacher_kind import folder_of_answers
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.lineage.project import damage_of, in_use, verified
from tasks.registry.lineage.verify import damage, verify_ledger
from tasks.tracking import runs
from tasks.upkeep import at_rest, machine
from tasks.upkeep import dvc_cache as cache
from tasks.upkeep.abandoned import open_runs
from tasks.upkeep.finding import Finding

Check = Callable[[], Iterable[Finding]]


def checks(project: Path, state: Path, deep: bool, results: Path | None = None) -> dict[str, Check]:
    """Returns name -> check, in the order in which findings should be repaired.

    Args:
        project: the folder of the recipes.
        state: the state folder.
        deep: hash every object of DVC's cache, the files of every release, and all that runs kept and caches have, not
            only a sample and what is in use.
        results: where Prefect keeps results of stages, which a deep look needs.
    """
    beneath = files_at_rest(state, results) if deep else {}
    return {
        "versions of libraries": partial(machine.required_versions, machine.dependencies()),
        "packages of our names": partial(machine.collisions, packages_distributions()),
        "versions as in the lock": partial(machine.locked_versions, project),
        "disk space": partial(machine.disk_space, state),
        "ports of this machine": machine.loopback,
        "proxies": machine.proxies,
        "servers that are named": named_servers,
        "telemetry": machine.telemetry,
        "databases on this machine": partial(machine.sqlite_databases, state),
        "MLflow": mlflow_answers,
        "ledger": ledger_answers,
        "files of releases": partial(files_of_releases, deep),
        "runs of killed processes": stale_runs,
        "recipes and recorded data": partial(cache.recorded_data, project),
        "data in the cache": partial(cache.incomplete_folders, project),
        "bytes in the cache": partial(cache.corrupted_objects, project, deep),
        **beneath,
    }


def files_at_rest(state: Path, results: Path | None) -> dict[str, Check]:
    """Returns the checks of every file that a run kept or that a cache has."""
    found: dict[str, Check] = {
        "files that runs kept": kept_files,
        "soft labels": partial(at_rest.soft_labels, state / "soft-labels"),
        "answers of teachers": partial(at_rest.teacher_answers, folder_of_answers(state)),
        "checkpoints": partial(at_rest.checkpoints, state / "checkpoints"),
    }
    return found | ({} if results is None else {"results of stages": partial(at_rest.results, results)})


def kept_files() -> Iterator[Finding]:
    """Yields the files of runs that are not as they were kept."""
    if _has_begun():
        yield from at_rest.kept_files()


def named_servers() -> Iterator[Finding]:
    """Yields the servers that variables name and that do not answer."""
    for name, address in servers.silent_servers(servers.named_servers(servers.WEB)).items():
        wrong = f"`{name}`: expected an answer from {address}, got none"
        yield Finding(wrong, f"unset {name}   (or start that server)")


def mlflow_answers() -> Iterator[Finding]:
    """Yields a finding where MLflow's store does not answer, or has the schema of another version."""
    address = os.environ["MLFLOW_TRACKING_URI"]
    if not _has_begun() or servers.silent_servers(servers.named_servers(["MLFLOW_TRACKING_URI"])):
        return  # the check of servers has reported it
    try:
        runs.client().search_experiments(max_results=1)
    except Exception as error:
        # MLflow has no type for a schema of another version: it is known by its words alone.
        shown = address if without_login(address) == address else '"$MLFLOW_TRACKING_URI"'
        repair = "stillhouse --debug doctor" if address.startswith("http") else f"mlflow db upgrade {shown}"
        yield Finding(f"`MLFLOW_TRACKING_URI`: expected a store of this version, got {_first_line(error)}", repair)


def ledger_answers() -> Iterator[Finding]:
    """Yields a finding where the ledger cannot be read, and each row that is not as it was recorded."""
    if not _has_begun():
        return
    try:
        damaged = damage(verify_ledger(History.load()))
    except InputError as error:
        yield Finding(str(error), "stillhouse doctor")
        return
    except Exception as error:
        repair = "unset STILLHOUSE_LEDGER_URI   (or start that database)"
        yield Finding(f"ledger: expected a database that answers, got {_first_line(error)}", repair)
        return
    for line in damaged:
        yield Finding(line, "stillhouse audit")


def files_of_releases(deep: bool) -> Iterator[Finding]:
    """Yields what is missing or changed of that which releases are made of, as `stillhouse lineage --verify` finds it.

    Args:
        deep: of every release; else of those in use.
    """
    if not _has_begun():
        return
    try:
        history = History.load()
        if damage(verify_ledger(history)):
            return  # the check of the ledger has reported it: its rows say what the files should be
        bad = damage_of(verified(ledger.releases() if deep else in_use(history), history))
    except (InputError, SQLAlchemyError):
        return  # as above
    for line in bad:
        yield Finding(line, "stillhouse run RECIPE")


def stale_runs() -> Iterator[Finding]:
    """Yields a finding where MLflow calls runs running whose process has ended."""
    if not _has_begun():
        return
    try:
        left = sum(len(open_runs(owner)) for owner in process_lease.ended())
    except Exception:
        return  # the check of MLflow has reported it
    if left:
        yield Finding(f"MLflow: expected no run of a killed process, got {left:,}", "stillhouse reconcile")


def _has_begun() -> bool:
    """Says whether anything ever ran here: a check makes no databases."""
    return (state_dir() / "owners").is_dir()


def _first_line(error: Exception) -> str:
    return without_login(str(error)).strip().partition("\n")[0] or type(error).__name__
