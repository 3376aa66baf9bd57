"""Prepared data under a version: DVC makes it where it is not there, the md5 in `dvc.lock` names it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from params.pipeline import Recipe
from tasks.contracts.records import DataRecord, DatasetCard
from tasks.core.errors import BusyError, DataError, InputError, StageError, mismatch
from tasks.core.files import sha256_of
from tasks.core.source import ROOT
from tasks.core.workspace import require_writable, state_dir, usual_umask
from tasks.data.fetch import own_words
from tasks.data.sources.own import check_own
from tasks.data.versions.code import write_code
from tasks.data.versions.integrity import intact_card
from tasks.data.versions.pipeline import list_recipe
from tasks.data.versions.repro import MESSAGE_FILE, Outcome, read_outcome
from tasks.data.versions.variant import is_committed, make_variant, variant_folder
from tasks.data.versions.versions_store import CARD

PATIENCE = 600.0
"""seconds to wait for another run that prepares data in the same project"""
LAST_LINES = 15


def versioned_data(project: Path, recipe: Recipe, patience: float = PATIENCE) -> DataRecord:
    """Returns the prepared data of a recipe, made or taken as it is, verified and pushed to the default DVC remote.

    A recipe that is not, in its data section, what `params/` says (`--set data.split.seed=3`) is prepared in a
    scratch DVC project under the state folder, so that `dvc.lock` stays as committed.

    Raises:
        DataError: the data, in the words of the stage that found out.
        RecipeError: `dvc.yaml` has no list of recipes.
        InputError: this is no git checkout, or one that may only be read.
        BusyError: another run holds the data.
        IntegrityError: DVC's cache handed out damaged files; they have been removed, the same call makes them again.
        StageError: anything else, with the last lines of DVC's output.
    """
    project = project.resolve()
    _check_project(project, recipe)
    folder = data_folder(project, recipe)
    require_writable(project)
    with _alone(patience):
        if folder == project:
            list_recipe(project, recipe)
        else:
            make_variant(project, folder, recipe)
        write_code(folder, recipe, project)
        outcome = _run_dvc(project, folder, f"prepare@{recipe.name}")
        prepared = folder / "data" / recipe.name / "prepared"
        card = intact_card(prepared, outcome)
    return _record(card, prepared, outcome)


def data_folder(project: Path, recipe: Recipe) -> Path:
    """Returns the DVC project that holds the data of a recipe: the project itself, or a variant of it."""
    return project if is_committed(project, recipe) else variant_folder(recipe)


def recorded_data(folder: Path, name: str) -> DataRecord | None:
    """Returns the data that lies prepared in a folder (see `data_folder`), as `dvc.lock` names it; None if none."""
    prepared, version = folder / "data" / name / "prepared", recorded_version(folder, name)
    if version is None or not (prepared / CARD).is_file():
        return None
    card = DatasetCard.model_validate_json((prepared / CARD).read_bytes())
    return _record(card, prepared, Outcome(version=version))


def recorded_version(folder: Path, name: str) -> str | None:
    """Returns the data version in the `dvc.lock` of a folder (see `data_folder`) without asking DVC; None if none."""
    path = folder / "dvc.lock"
    if not path.is_file():
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    stages: dict[str, Any] = (yaml.load(path.read_text(encoding="utf-8"), loader) or {}).get("stages", {})
    outs = stages.get(f"prepare@{name}", {}).get("outs", [])
    return str(outs[0]["md5"]) if outs else None


def _check_project(project: Path, recipe: Recipe) -> None:
    for field, source in recipe.data.sources.items():
        with own_words(field):
            check_own(source, project)
    git = shutil.which("git")
    got = _git_problem(project) if git else "no `git` on PATH"
    if got:
        do = "clone the repository, or run `git init` here; DVC keeps its versions beside git's"
        raise InputError(mismatch(str(project), "", "a git checkout", got, do))


def _git_problem(project: Path) -> str:
    asked = ["git", "-C", str(project), "rev-parse", "--git-dir"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.stderr.strip() if answer.returncode else ""


@contextmanager
def _alone(patience: float) -> Iterator[None]:
    """Holds the lock of this project's data: DVC refuses a second run instead of waiting for the first."""
    path = state_dir() / "locks" / "data.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        do = "wait for it, then run again"
        raise BusyError(mismatch(str(path), "", "no other run that prepares data", "one", do)) from None
    try:
        yield
    finally:
        lock.release()


def _run_dvc(project: Path, folder: Path, target: str) -> Outcome:
    with tempfile.TemporaryDirectory() as scratch:
        report, message, log = (Path(scratch, name) for name in ("report", "message", "log"))
        command = [sys.executable, "-m", "tasks.data.versions.repro", str(project), str(folder), target, str(report)]
        _run_group(command, folder, message, log)
        if message.is_file():
            raise DataError(message.read_text(encoding="utf-8"))
        outcome = read_outcome(report)
        if outcome.busy:
            raise BusyError(f"`{folder}`: another process uses DVC here; wait for it, then run again ({outcome.error})")
        if outcome.error:
            log_end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:])
            raise StageError(f"`dvc repro {target}` in `{folder}` failed: {outcome.error}\n{log_end}".rstrip())
        return outcome


def _run_group(command: list[str], folder: Path, message: Path, log: Path) -> None:
    """Runs a command in a process group of its own, and ends the whole group when it fails or we are interrupted."""
    # The stages are to find this Python as `python`, not one that happens to come first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": _code_first(), "DVC_NO_ANALYTICS": "true"}
    environment[MESSAGE_FILE] = str(message)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=usual_umask(),
        )
        try:
            failed = process.wait() != 0
        except BaseException:
            _end(process)
            raise
        if failed:
            _end(process)


def _code_first() -> str:
    """Returns where Python is to look for modules: first where those of this process are."""
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _record(card: DatasetCard, prepared: Path, outcome: Outcome) -> DataRecord:
    return DataRecord(
        name=card.name,
        version=outcome.version,
        card_sha256=sha256_of(prepared / CARD),
        directory=str(prepared),
        task=card.task,
        input=card.input,
        columns=card.columns,
        targets=card.targets,
        preprocessing=card.preprocessing,
        samples={name: split.samples for name, split in card.splits.items()},
        dropped=card.dropped,
        quarantined=card.quarantine.reasons if card.quarantine else {},
        warnings=card.warnings,
        licence=card.licence,
        reused=not outcome.ran,
    )
