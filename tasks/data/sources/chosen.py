"""Files of an archive that a recipe names: by name, by folder or by pattern, and never outside of where they belong."""

from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from tasks.core.errors import DataError, mismatch, printable
from tasks.data.fetch import CONTENTS
from tasks.data.sources.tar import packing, refuse_equal_names

BLOCK = 1024 * 1024
SHOWN = 5
"""names in a message"""
Copy = Callable[[IO[bytes]], None]


def choose(names: Sequence[str], paths: Sequence[str], where: str, do: str) -> list[str]:
    """Returns the names that `paths` ask for, sorted.

    Args:
        names: of all files, with slashes.
        paths: names, folders or patterns.
        where: the archive.
        do: how to list its names.

    Raises:
        DataError: nothing has one of the paths; a name that is chosen is there twice, or leads out of its folder.
    """
    found = {path: [name for name in names if _is_of(name, path)] for path in paths}
    missing = [path for path in paths if not found[path]]
    if missing:
        raise DataError(mismatch("data.source", "paths", f"files of {where}", some(missing), do))
    chosen = sorted({name for some_names in found.values() for name in some_names})
    counts = Counter(names)
    wrong = [name for name in chosen if counts[name] > 1 or not _is_inside(name)]
    if wrong:
        expected = f"files of {where} of one name each, inside their folder"
        raise DataError(mismatch("data.source", "paths", expected, some(wrong), "leave them out of `paths`"))
    return chosen


class Writer:
    """Writes chosen files: named ones side by side under the last part of their names, else all into one tar."""

    def __init__(self, raw: Path, chosen: Sequence[str], paths: Sequence[str]) -> None:
        self._raw, self._chosen = raw, chosen
        self._is_side_by_side = set(paths) == set(chosen)
        if self._is_side_by_side:
            refuse_equal_names([*(PurePosixPath(name).name for name in chosen), CONTENTS])

    def write(self, opened: Callable[[str], tuple[int, IO[bytes]]], close: Callable[[], None]) -> None:
        """Writes all of them.

        Args:
            opened: returns size and stream of a file; as many bytes are read from it, and no more.
            close: called behind each file.
        """
        if self._is_side_by_side:
            for name in self._chosen:
                _copy(*opened(name), self._raw / PurePosixPath(name).name)
                close()
            return
        with packing(self._raw) as packer:
            for name in self._chosen:
                packer.add_file(name, *opened(name))
                close()


def some(names: Sequence[str]) -> str:
    """Returns names for a message."""
    shown = ", ".join(f"`{printable(name)}`" for name in names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN:,} more" if len(names) > SHOWN else shown


def _is_of(name: str, path: str) -> bool:
    return name == path or path == "." or name.startswith(f"{path.rstrip('/')}/") or fnmatchcase(name, path)


def _is_inside(name: str) -> bool:
    return not {"", ".", ".."} & {*name.split("/")} and "\\" not in name


def _copy(size: int, stream: IO[bytes], target: Path) -> None:
    with target.open("wb") as copy:
        while size and (block := stream.read(min(BLOCK, size))):
            copy.write(block)
            size -= len(block)
