"""Files inside a tar by name, for readers that need two of them at once."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from tasks.data.readers.raw import members


class NamedFiles(Protocol):
    """Files by name, such as those of an open tar."""

    @property
    def places(self) -> Mapping[str, Any]:
        """The names of all."""

    def file(self, name: str) -> IO[bytes]:
        """Returns one file, in memory."""


@dataclass(frozen=True)
class PackedFiles:
    """Where each file of a tar without compression begins, and how long it is; contents stay on disk."""

    tar: Path
    places: dict[str, tuple[int, int]]

    @classmethod
    def of(cls, tar: Path) -> "PackedFiles":
        """Reads the headers."""
        found = members(tar)
        return cls(tar, {one.name: (one.offset_data, one.size) for one, stream in found if stream is not None})

    @contextmanager
    def opened(self) -> Iterator["OpenPack"]:
        """Opens the tar to read files from it."""
        with self.tar.open("rb") as stream:
            yield OpenPack(stream, self.places)


@dataclass(frozen=True)
class OpenPack:
    """An open tar."""

    stream: IO[bytes]
    places: dict[str, tuple[int, int]]

    def file(self, name: str) -> IO[bytes]:
        """Returns one file, in memory."""
        start, size = self.places[name]
        self.stream.seek(start)
        return io.BytesIO(self.stream.read(size))
