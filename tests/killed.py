"""Kills a process at every durable write of what it does, one after the other, each time in the same world.

A durable write is what another process, or the next start, could see: a file opened to be written, renamed, linked or
removed, a folder made or removed, a transaction committed. They are found while the work runs, by Python's audit events
and SQLAlchemy's, so none can be forgotten, and code has no switch for it. The work runs in forks of a clean process.

`pytest --log-cli-level=INFO` names them as they are walked.
"""

import logging
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

Work = Callable[[Path], Any]
"""takes the folder of the world; defined in a module, and returns what can be pickled"""
LOG = logging.getLogger(__name__)
PATIENCE_SECONDS = 120
_FORKS = get_context("forkserver")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.truncate")


def preload(*modules: str) -> None:
    """Has the clean process import modules once, so that every fork has them at once."""
    _FORKS.set_forkserver_preload([__name__, *modules])


def in_a_process(world: Path, work: Work) -> Any:
    """Returns what `work` returns in a process of its own; what it raises is raised here."""
    ours, theirs = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_answer, args=(world, work, theirs))
    process.start()
    theirs.close()
    try:
        answer = ours.recv() if ours.poll(PATIENCE_SECONDS) else TimeoutError(f"{work} took too long")
    except EOFError:
        answer = ChildProcessError(f"{work} ended without an answer")
    process.join()
    if isinstance(answer, BaseException):
        raise answer
    return answer


def walk(world: Path, work: Work) -> Iterator[str]:
    """Yields the name of each durable write of `work`, with the world as it is when the process was killed before it.

    Between two of them the world is put back. The last name is `the end`: there nothing was killed.
    """
    before = world.with_name(f"{world.name}-before")
    shutil.rmtree(before, ignore_errors=True)
    shutil.copytree(world, before, symlinks=True)
    for place in range(10_000):
        point = _killed(world, work, place)
        name = f"{place} {point}" if point else "the end"
        LOG.info("%s: killed before %s", work.__name__, name)
        yield name
        shutil.rmtree(world)
        shutil.copytree(before, world, symlinks=True)
        if point is None:
            return


def _killed(world: Path, work: Work, place: int) -> str | None:
    ours, theirs = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_work_until, args=(world, work, place, theirs))
    process.start()
    theirs.close()
    process.join(PATIENCE_SECONDS)
    if process.exitcode not in (0, -signal.SIGKILL):
        process.kill()
        raise ChildProcessError(f"{work} at write {place}: exit code {process.exitcode}")
    return str(ours.recv()) if process.exitcode else None


def _answer(world: Path, work: Work, answer: Connection) -> None:
    try:
        answer.send(work(world))
    except Exception as error:
        answer.send(error)


def _work_until(world: Path, work: Work, place: int, told: Connection) -> None:
    _watch(world, _Killer(place, told))
    work(world)


class _Killer:
    """Lets so many writes pass and kills the process before the next."""

    def __init__(self, left: int, told: Connection) -> None:
        self.left, self.told = left, told

    def __call__(self, point: str) -> None:
        self.left -= 1
        if self.left < 0:
            self.told.send(point)
            os.kill(os.getpid(), signal.SIGKILL)


def _watch(world: Path, reached: Callable[[str], None]) -> None:
    """Calls `reached` with the name of every durable write in the world, right before it happens."""
    import sys

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        path = _written(event, arguments)
        if path is not None and path.is_relative_to(world) and path.suffix != ".lock":
            reached(f"{event.removeprefix('os.')} {path.relative_to(world)}")

    sys.addaudithook(hear)
    _watch_commits(reached)


def _written(event: str, arguments: tuple[Any, ...]) -> Path | None:
    """Returns the path that an audit event is about to change."""
    if event == "open":
        path, _, flags = arguments
        return Path(os.fsdecode(path)) if isinstance(path, str | bytes) and flags & _WRITES else None
    if event not in _CHANGES:
        return None
    path = Path(os.fsdecode(arguments[1] if event in ("os.rename", "os.symlink", "os.link") else arguments[0]))
    return None if event == "os.mkdir" and path.is_dir() else path


def _watch_commits(reached: Callable[[str], None]) -> None:
    from sqlalchemy import Connection as Database
    from sqlalchemy import Engine, event

    wrote: set[int] = set()

    def hear_statement(database: Database, _: Any, statement: str, *__: Any) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            wrote.add(id(database.connection.dbapi_connection))

    def hear_commit(database: Database) -> None:
        if id(database.connection.dbapi_connection) in wrote:
            wrote.discard(id(database.connection.dbapi_connection))
            reached(f"commit {Path(str(database.engine.url.database)).name}")

    event.listen(Engine, "before_cursor_execute", hear_statement)
    event.listen(Engine, "commit", hear_commit)
