"""What a program has answered, as a file that only grows: a line per sample, written whole or left out."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import IntegrityError, mismatch


@dataclass(frozen=True)
class AnswerLog:
    """One file of answers; only one process at a time may add to it."""

    path: Path

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def read(self) -> dict[bytes, list[float]]:
        """Returns key -> values; a last line that a crash cut off is not there.

        Raises:
            IntegrityError: another line is damaged.
        """
        if not self.path.is_file():
            return {}
        *whole, rest = self.path.read_bytes().split(b"\n")
        if rest:  # cut off: what is added next must not be joined to it
            os.truncate(self.path, self.path.stat().st_size - len(rest))
        try:
            found = [json.loads(line) for line in whole]
            return {bytes.fromhex(one["key"]): [float(value) for value in one["values"]] for one in found}
        except (ValueError, KeyError, TypeError) as error:
            do = "remove the file, and everything is asked again; or correct it"
            raise IntegrityError(mismatch(str(self.path), "", "a line of JSON per answer", error, do)) from None

    def add(self, keys: Sequence[bytes], answers: Sequence[Sequence[float]]) -> None:
        """Adds answers; they are on the disk when this returns."""
        lines = [
            json.dumps({"key": key.hex(), "values": [*map(float, one)]}) for key, one in zip(keys, answers, strict=True)
        ]
        with self.path.open("ab") as stream:
            stream.write("".join(f"{line}\n" for line in lines).encode())
            stream.flush()
            os.fsync(stream.fileno())
