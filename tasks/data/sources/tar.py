"""Many files as one: a tar whose bytes depend on names and contents alone, for DVC is slow with many small files."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

TAR = "files.tar"


class Packer:
    """Adds files to a tar without their times, owners or modes."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add_folder(self, name: str) -> None:
        """Adds an empty folder: what is in it is added by its own whole name."""
        member = tarfile.TarInfo(name)
        member.type = tarfile.DIRTYPE
        self._add(member)

    def add_file(self, name: str, size: int, stream: IO[bytes]) -> None:
        """Adds a file of `size` bytes."""
        member = tarfile.TarInfo(name)
        member.size = size
        self._add(member, stream)

    def _add(self, member: tarfile.TarInfo, stream: IO[bytes] | None = None) -> None:
        self._tar.members = []  # type: ignore[attr-defined]  # else it keeps every header in memory
        self._tar.addfile(member, stream)


@contextmanager
def packing(raw: Path) -> Iterator[Packer]:
    """Opens a new tar in `raw`."""
    with tarfile.open(raw / TAR, "w", format=tarfile.PAX_FORMAT) as tar:
        yield Packer(tar)
