"""Many files side by side under the last part of their names, or as one tar.

The bytes of the tar depend on names and contents alone. It is there because DVC is slow with many small files.
"""

import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tasks.core.errors import DataError, mismatch

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


def refuse_equal_names(names: Iterable[str]) -> None:
    """Refuses files of one name in two folders of a package, for only the last part of a name stays.

    Raises:
        DataError: naming them.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(mismatch("data.source", "files", "files of different names", ", ".join(twice), "take one"))
