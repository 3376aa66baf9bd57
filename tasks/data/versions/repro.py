"""The child process that runs DVC: reproduces one stage and pushes what came of it, in one import of DVC.

`python -m tasks.data.versions.repro PROJECT FOLDER TARGET REPORT`: FOLDER is PROJECT, or a variant that shares its
cache and remotes. Writes an `Outcome` as JSON to REPORT. Ends with its whole process group when the parent, whose end
of the pipe is our stdin, is gone: a stage must not keep writing after a kill.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.core.errors import DataError
from tasks.core.files import whole_file
from tasks.data.versions.last_good import LastGood

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage


MESSAGE_FILE = "STILLHOUSE_MESSAGE_FILE"
"""environment variable: where a stage leaves the message of an InputError, which DVC would not hand on"""


@dataclass
class Outcome:
    """What DVC did, as the parent reads it."""

    ran: list[str] = field(default_factory=list)
    """stages that had to run"""
    version: str = ""
    """md5 of the prepared folder"""
    files: dict[str, str] = field(default_factory=dict)
    """file in it -> md5"""
    cache: str = ""
    """folder of DVC's cache"""
    busy: bool = False
    error: str = ""


def read_outcome(path: Path) -> Outcome:
    """Returns what the child reported; one that was killed reported nothing."""
    if not path.is_file():
        return Outcome(error="the process ended without a report, perhaps killed or out of memory")
    return Outcome(**json.loads(path.read_text(encoding="utf-8")))


def main(project: str, folder: str, target: str, report: str) -> int:
    """Runs DVC and reports; returns the exit code."""
    _mend_rwlock(Path(folder))
    outcome, before = Outcome(), LastGood.of(Path(folder), target)
    try:
        repo = _reproduce(Path(project), Path(folder), target, outcome, before)
    except Exception as error:  # DVC raises what it likes; the parent words it
        _word(error, outcome)
        if not outcome.busy:
            before.put_back(lambda: _opened(Path(project), Path(folder)))
    else:
        _push(repo, target, outcome)
    with whole_file(Path(report)) as whole:
        whole.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    return 1 if outcome.error else 0


def _word(error: Exception, outcome: Outcome) -> None:
    """Puts into the outcome what went wrong; a message that is for a person goes where those of stages go."""
    from dvc.lock import LockError

    reasons = list(_chain(error))
    outcome.busy = any(isinstance(reason, LockError) for reason in reasons)
    outcome.error = ": ".join(dict.fromkeys(str(reason) or type(reason).__name__ for reason in reasons))
    if isinstance(error, DataError) and (path := os.environ.get(MESSAGE_FILE)):
        Path(path).write_text(str(error), encoding="utf-8")


def _reproduce(project: Path, folder: Path, target: str, outcome: Outcome, before: LastGood) -> "Repo":
    repo = _opened(project, folder)
    outcome.ran = [stage.addressing for stage in _made_or_pulled(repo, target)]
    prepared = repo.stage.collect(target)[0].outs[0]
    outcome.version = prepared.hash_info.value
    outcome.files = {"/".join(key): hash_info.value for key, _, hash_info in prepared.get_obj()}
    outcome.cache = repo.cache.local.path
    before.refuse_other_schema(Path(outcome.cache))
    return repo


def _push(repo: "Repo", target: str, outcome: Outcome) -> None:
    """Pushes what was made; where that goes wrong, the data is good all the same."""
    try:
        if repo.config["core"].get("remote"):
            repo.push([target], with_deps=True)
    except Exception as error:  # as above
        _word(error, outcome)


def _opened(project: Path, folder: Path) -> "Repo":
    from dvc.repo import Repo

    # A variant has no configuration of its own: it takes that of the project, with all paths made absolute.
    config = None if folder == project else _shared_config(Repo(str(project)))
    return Repo(str(folder), config=config)


def _made_or_pulled(repo: "Repo", target: str) -> "list[Stage]":
    """Reproduces, taking what a colleague pushed; where the remote cannot be read or lacks files, makes it here.

    Without DVC's run cache: its key leaves out all that is called `size`, the size of pictures in a recipe, too, and it
    would take data of another size (`_get_cache_hash` in dvc/stage/cache.py, dvc 3.67).
    """
    from dvc.exceptions import ReproductionError
    from dvc.lock import LockError
    from dvc.stage.exceptions import StageCmdFailedError

    try:
        return list(repo.reproduce(target, pull=True, run_cache=False))
    except ReproductionError as error:
        if any(isinstance(reason, LockError | StageCmdFailedError) for reason in _chain(error)):
            raise
        return list(repo.reproduce(target, run_cache=False))


def _shared_config(repo: "Repo") -> dict[str, Any]:
    return {
        "core": {**repo.config["core"], "no_scm": True},
        "remote": dict(repo.config["remote"]),
        "cache": {"dir": repo.cache.local.path},
    }


def _mend_rwlock(folder: Path) -> None:
    """Removes DVC's list of locks where a killed process left it cut short: DVC itself would refuse to start."""
    path = folder / ".dvc" / "tmp" / "rwlock"
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        path.unlink()
    except FileNotFoundError:
        pass


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # the parent never writes: this returns when the pipe closes
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(main(*sys.argv[1:]))
