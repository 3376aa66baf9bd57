"""A project of its own that is put back to how it was before each release, and the command that makes one in it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.clone import REPOSITORY, clone_into
from benchmarks.project import environment_in, run_command
from infra.services.prefect_server import HOST, free_port, wait_until_healthy

MODEL = "digits"
MARK = "SOAK_START"
"""an environment variable that every process of one start of the command inherits, and no other has"""

QUICK = (
    *("teacher.architecture.widths=[8, 16]", "teacher.training.epochs=3", "student.training.epochs=5"),
    *("compress.candidates=[fp32]", "evaluate.resamples=100", "evaluate.latency={repeats: 10, warmup: 1}"),
    "promote.staging={approval: automatic, quality: {accuracy: 0.2}, not_worse_than_baseline: false}",
)
"""a real flow on real data, cut down: every stage runs, and nothing in it is decided by a clock"""


@dataclass(frozen=True)
class Setting:
    """Under which circumstances a release is made.

    Attributes:
        name: what it is called.
        champion: an earlier release leads already; else nothing ever ran.
        own_server: each start brings its own Prefect server, as on one machine; else a team's is there.
        overrides: of the recipe, beside `QUICK`.
    """

    name: str
    champion: bool
    own_server: bool
    overrides: tuple[str, ...] = ()


NEXT = ("seed=1", "data.split.seed=1")
"""another seed for everything, so that no stage of the champion is reused"""
TEAM = Setting("team", champion=True, own_server=False, overrides=NEXT)
FIRST = Setting("first", champion=False, own_server=True)
ALONE = Setting("alone", champion=True, own_server=True, overrides=(*NEXT, "teacher.training.epochs=60"))
SETTINGS = (TEAM, ALONE, TEAM, FIRST)
"""in turn; the teacher of `alone` trains for longer than the time between two checkpoints"""


class World:
    """A copy of this repository, committed, in which the command runs.

    Attributes:
        root: the project.
        api: the address of a Prefect server that outlives the command; None: the command brings its own.
        prefect: the database of that server.
    """

    def __init__(self, folder: Path, setting: Setting, api: str, prefect: Path) -> None:
        self.root, self.setting = folder / "project", setting
        self.api = None if setting.own_server else api
        self.prefect = self.root / ".stillhouse/prefect/prefect.db" if setting.own_server else prefect
        self._before = folder / "before"
        clone_into(self.root)
        if setting.champion:
            self.run("seed=0")
        shutil.copytree(self.root, self._before, symlinks=True)

    def put_back(self) -> None:
        """Undoes all that happened since the world was made."""
        shutil.rmtree(self.root)
        shutil.copytree(self._before, self.root, symlinks=True)

    def run(self, *overrides: str) -> str:
        """Runs the command undisturbed to its end and returns what it said.

        Raises:
            ChildProcessError: it did not end well.
        """
        log = self.root.parent / "undisturbed.log"
        with log.open("wb") as out:
            ended = self.start(out, "undisturbed", overrides).wait()
        if ended:
            raise ChildProcessError(f"the undisturbed run ended with exit code {ended}:\n{log.read_text()}")
        return log.read_text()

    def start(self, out: IO[bytes], mark: str, overrides: tuple[str, ...] | None = None) -> "subprocess.Popen[bytes]":
        """Starts the command; every process of it carries the mark."""
        command = run_command(MODEL, (*QUICK, *(self.setting.overrides if overrides is None else overrides)))
        return subprocess.Popen(
            command, cwd=self.root, env=self._environment(mark), stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )

    def _environment(self, mark: str) -> dict[str, str]:
        marked = {**environment_in(self.root), MARK: mark}
        return marked | ({"PREFECT_API_URL": self.api} if self.api else {})


@contextmanager
def prefect_server(home: Path) -> Iterator[tuple[str, Path]]:
    """Yields the address of a Prefect server of a team, and its database."""
    home.mkdir(parents=True)
    port, log = free_port(0), home / "server.log"
    settings = {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_UI_ENABLED": "0"}
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "infra.services.prefect_server", str(port)],
            cwd=REPOSITORY,
            env={**environment_in(REPOSITORY), **settings},
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
        )
    try:
        wait_until_healthy("Prefect", f"http://{HOST}:{port}/api/health", server, log)
        yield f"http://{HOST}:{port}/api", home / "prefect.db"
    finally:
        server.communicate()
