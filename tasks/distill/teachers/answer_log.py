"""What a program has answered, as a file that only grows: a line per sample, written whole or left out."""

import json
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import IntegrityError, mismatch
from tasks.core.files import whole_file

ANSWERS = "answers.jsonl"


@dataclass(frozen=True)
class AnswerLog:
    """One file of answers; only one process at a time may add to it."""

    path: Path

    def read(self) -> dict[bytes, list[float]]:
        """Returns key -> values; a last line that a crash cut off is not there.

        Raises:
            IntegrityError: another line is damaged.
        """
        if not self.path.is_file():
            return {}
        *whole, _cut_off = self.path.read_bytes().split(b"\n")
        try:
            found = [json.loads(line) for line in whole]
            return {bytes.fromhex(one["key"]): [float(value) for value in one["values"]] for one in found}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            do = "remove the file, and everything is asked again; or correct it"
            raise IntegrityError(mismatch(str(self.path), "", "a line of JSON per answer", error, do)) from None

    def add(self, keys: Sequence[bytes], answers: Sequence[Sequence[float]]) -> None:
        """Adds answers; they are on the disk when this returns."""
        lines = [
            json.dumps({"key": key.hex(), "values": [*map(float, one)]}) for key, one in zip(keys, answers, strict=True)
        ]
        self._make_ready()
        with self.path.open("ab") as stream:
            stream.write("".join(f"{line}\n" for line in lines).encode())
            stream.flush()
            os.fsync(stream.fileno())

    def _make_ready(self) -> None:
        """Takes away a line that was cut off, and makes a link to DVC's cache, which must not change, a file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.is_file():
            return
        if self.path.is_symlink() or self.path.stat().st_nlink > 1 or not os.access(self.path, os.W_OK):
            with whole_file(self.path) as copy:
                shutil.copyfile(self.path, copy)
            self.path.chmod(self.path.stat().st_mode | stat.S_IWUSR)
        with self.path.open("rb+") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - 1))
            if stream.read() not in (b"", b"\n"):
                stream.seek(0)
                stream.truncate(stream.read().rfind(b"\n") + 1)
