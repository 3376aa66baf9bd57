"""A program that is asked: JSON lines in, JSON lines out, within a time, and without a shell."""

import json
import math
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from params.teacher import CommandTeacher
from tasks.core.errors import DataError, mismatch

MOST_BYTES = 256 * 2**20
"""that a program may print for one batch"""
POLL_SECONDS = 0.02
SHOWN = 120
"""characters of a line in a message"""


class Failed(Exception):  # noqa: N818 - one attempt of several, and no error yet
    """One attempt failed; the message says what was got."""

    def __init__(self, field: str, expected: str, got: str, do: str) -> None:
        super().__init__(got)
        self.field, self.expected, self.do = field, expected, do


@dataclass(frozen=True)
class Program:
    """The command of a recipe, and the folder that it is started in."""

    teacher: CommandTeacher
    folder: Path

    def require_there(self) -> None:
        """Looks for the program.

        Raises:
            DataError: there is none of that name.
        """
        name = self.teacher.command[0]
        if shutil.which(name) is None and not (self.folder / name).is_file():
            do = "install it, or correct the name"
            raise DataError(mismatch("recipe", "teacher.command", "a program that is there", f"`{name}`", do))

    def answers(self, lines: Sequence[str], ids: Sequence[str], names: Sequence[str]) -> list[list[float]]:
        """Returns the values for each id, in their order.

        Args:
            lines: a JSON object per sample.
            ids: of the samples.
            names: of the outputs, where an answer names them.

        Raises:
            Failed: it hangs, dies, prints something else than answers, or leaves one out.
        """
        found: dict[str, list[float]] = {}
        for line in self._printed(lines):
            one, values = self._parsed(line, names)
            if one not in set(ids) or one in found:
                what = "an answer to a sample twice" if one in found else "an answer to what was not asked"
                raise self._garbage(what, line)
            found[one] = values
        missing = [one for one in ids if one not in found]
        if missing:
            got = f"none for {len(missing)} of {len(ids)}: `{missing[0]}`"
            raise Failed("", "an answer to every sample", got, "let it print a line for each")
        if len({len(values) for values in found.values()}) > 1:
            got = f"{sorted({len(values) for values in found.values()})}"
            raise Failed("", "equally many outputs in every answer", got, "correct the program")
        return [found[one] for one in ids]

    def _printed(self, lines: Sequence[str]) -> list[str]:
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write("".join(f"{line}\n" for line in lines).encode())
            given.seek(0)
            code = self._run(given, out, err)
            if code:
                said = _last_line(err) or _last_line(out) or "nothing"
                got = f"exit code {code}, and as its last line: {said}"
                raise Failed("", "a program that ends well", got, "run it by hand")
            out.seek(0)
            return [line for line in out.read().decode(errors="replace").splitlines() if line.strip()]

    def _run(self, given: IO[bytes], out: IO[bytes], err: IO[bytes]) -> int:
        """Returns the exit code; files instead of pipes, so that neither side can wait for the other."""
        try:
            # A group of its own, so that what it started ends with it.
            process = subprocess.Popen(
                self.teacher.command, cwd=self.folder, stdin=given, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            raise Failed("", "a program that starts", str(error), "correct `teacher.command`") from None
        until = time.monotonic() + self.teacher.seconds
        try:
            while process.poll() is None:
                if time.monotonic() > until:
                    do = "raise `teacher.seconds`, or lower `teacher.batch_size`"
                    raise Failed("seconds", f"answers within {self.teacher.seconds:g} seconds", "none", do)
                if max(os.fstat(stream.fileno()).st_size for stream in (out, err)) > MOST_BYTES:
                    raise Failed("", f"at most {MOST_BYTES:,} bytes per batch", "more", "let it print answers alone")
                time.sleep(POLL_SECONDS)
            return process.returncode
        finally:
            _end(process)

    def _parsed(self, line: str, names: Sequence[str]) -> tuple[str, list[float]]:
        try:
            found: Any = json.loads(line)
            values = found[self.teacher.gives]
            if isinstance(values, Mapping):
                values = [values[name] for name in names]
            numbers = [float(value) for value in values]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._garbage("a line that is no answer", line) from None
        if not numbers or not all(map(math.isfinite, numbers)):
            raise self._garbage("numbers that are not finite", line)
        return str(found.get("id")), numbers

    def _garbage(self, what: str, line: str) -> Failed:
        shown = "".join(sign if sign.isprintable() else "?" for sign in line[:SHOWN])
        expected = f'lines like {{"id": "...", "{self.teacher.gives}": [...]}}'
        return Failed("", expected, f"{what}: {shown}", "let it print answers alone, all else to its stderr")


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(stream: IO[bytes]) -> str:
    stream.seek(0, os.SEEK_END)
    stream.seek(max(0, stream.tell() - 4096))
    lines = stream.read().decode(errors="replace").strip().splitlines()
    return "".join(sign if sign.isprintable() else "?" for sign in lines[-1][:SHOWN]) if lines else ""
