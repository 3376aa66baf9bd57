"""Where a sweep works and with which code, for workers that were started elsewhere and know neither.

A worker of a Dask or Ray cluster that was there before has a working directory and variables of its own; left alone, it
would log to a new MLflow database wherever it happens to stand, and train with the code it once imported under the keys
of what is in the files by now.
"""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.core.environment import prepare_environment
from tasks.core.errors import StageError
from tasks.core.workspace import project_root, state_dir

SOURCE = Path(__file__).parents[2]
"""where `flows` and `tasks` are imported from: workers are to run the same code"""


def _digest() -> str:
    files = sorted(path for package in ("flows", "params", "tasks") for path in (SOURCE / package).rglob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


CODE = _digest()
"""of what this process imports: taken when it does so, since the files may change while it lives"""
_LOCK = threading.Lock()
"""a worker may have threads, and a training seeds the generators of its whole process"""


@dataclass(frozen=True)
class WorkerEnv:
    """A project, its state and its MLflow, by the names that hold on every machine of a sweep; no secret is in it."""

    root: Path
    home: Path
    mlflow: str
    code: str

    @classmethod
    def here(cls) -> "WorkerEnv":
        """Returns that of this process, whose environment is prepared."""
        return cls(project_root(), state_dir(), os.environ["MLFLOW_TRACKING_URI"], CODE)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Works there, alone in this process, and stays there.

        Raises:
            StageError: the project is not there, its code is another, or this process has worked elsewhere already.
        """
        with _LOCK:
            self._activate()
            yield

    def _activate(self) -> None:
        worker = f"worker {os.getpid()} on `{socket.gethostname()}`"
        for folder in (self.root, self.home):
            if not folder.is_dir():
                raise StageError(f"{worker}: expected the folder `{folder}`, got none; let it see it at this path")
        if self.code != CODE:
            raise StageError(
                f"{worker}: expected the code that the sweep runs, got other code in `{SOURCE}`;"
                " restart it there, or the sweep if the code was edited meanwhile"
            )
        if (before := _ACTIVE.setdefault("place", self)) != self:
            raise StageError(
                f"{worker}: expected `{self.root}` with MLflow at `{self.mlflow}`, got a worker that belongs to"
                f" `{before.root}` with MLflow at `{before.mlflow}`; give each its own workers, or restart them"
            )
        os.chdir(self.root)
        os.environ |= {"STILLHOUSE_HOME": str(self.home), "MLFLOW_TRACKING_URI": self.mlflow}
        prepare_environment()


_ACTIVE: dict[str, WorkerEnv] = {}
"""what a process keeps of its first place (databases, who it is) is of no use in a second"""
