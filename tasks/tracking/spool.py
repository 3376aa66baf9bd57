"""Metrics on their way: kept in a file first, delivered from a thread, so that nobody waits for the one who takes them.

What could not be delivered stays in the file, for the end of the run or for the next start. Sent twice, as after a kill
in between, a metric is still one: its time is part of it.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    """One value of a metric."""

    name: str
    value: float
    timestamp: int
    """ms since 1970"""
    step: int


Send = Callable[[Sequence[Measured]], None]
"""delivers metrics, or raises"""


class Spool:
    """The metrics of one run that are not delivered yet, in a file that goes when all are."""

    def __init__(self, path: Path, send: Send, every: float) -> None:
        """Takes the file, what delivers, and the seconds between two deliveries."""
        self._path, self._send, self._every = path, send, every
        self._writing, self._sending = threading.Lock(), threading.Lock()
        self._begun = time.monotonic()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Keeps the metrics of a step, and has them delivered now and then; does not wait for that."""
        now = int(time.time() * 1000)
        lines = [json.dumps(Measured(name, value, now, step)) for name, value in values.items()]
        with self._writing:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _append(self._path, "".join(f"{line}\n" for line in lines))
        if time.monotonic() - self._begun > self._every and not self._sending.locked():
            self._begun = time.monotonic()
            threading.Thread(target=self._try, daemon=True).start()

    def deliver(self) -> None:
        """Delivers everything now; what the receiver raises is raised here, and everything stays."""
        with self._sending:
            for part in self._parts():
                self._send(_read(part))
                part.unlink()

    def _try(self) -> None:
        with suppress(Exception):
            self.deliver()

    def _parts(self) -> Iterator[Path]:
        """Yields what an earlier delivery could not get rid of, then what has come since, out of the way of more."""
        taken = self._path.with_suffix(".taken")
        if taken.is_file():
            yield taken
        with self._writing:
            came = self._path.is_file()
            if came:
                self._path.replace(taken)
        if came:
            yield taken


def spooled(folder: Path) -> Iterator[Path]:
    """Yields the files of the spools in a folder, each as it was given, in the order of their names."""
    yield from sorted({path.with_suffix(".jsonl") for path in folder.glob("*.*")})


def _append(path: Path, text: str) -> None:
    """Writes all of a text behind what is there, or nothing: half a line would spoil the next one."""
    size = path.stat().st_size if path.is_file() else 0
    try:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError:
        os.truncate(path, size)
        raise


def _read(path: Path) -> list[Measured]:
    """Returns the metrics in a file; a line that was cut off with the power is left out."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError, TypeError):
            found.append(Measured(*json.loads(line)))
    return found
