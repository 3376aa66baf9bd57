"""Reading what `fetch` brought: a file by its name, whether it lies in `raw` or in the tar of a folder."""

import json
import tarfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tasks.core.errors import DataError, IntegrityError, mismatch
from tasks.core.files import sha256_of
from tasks.data.fetch import CONTENTS
from tasks.data.sources.tar import TAR

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
"""what the names of pictures end in"""


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Holds back what Pillow warns of, which is what it repairs: a warning names no file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_raw(raw: Path) -> None:
    """Compares all files with their sha256 on record: DVC hands out a damaged cache object without a word.

    Raises:
        IntegrityError: a file is missing or has other bytes.
    """
    contents: dict[str, str] = json.loads((raw / CONTENTS).read_text(encoding="utf-8"))
    for name, sha256 in contents.items():
        path = raw / name
        got = sha256_of(path) if path.is_file() else "no file"
        if got != sha256:
            do = f"remove `{raw.parent}` and `.dvc/cache`, then run again: it is fetched again"
            raise IntegrityError(mismatch(str(path), "", f"sha256 {sha256}", got, do))


def raw_names(raw: Path) -> list[str]:
    """Returns the names of the fetched files."""
    return sorted(path.name for path in raw.iterdir() if path.is_file() and path.name != CONTENTS)


def packed_files(raw: Path, reader: str) -> Path:
    """Returns the tar with many files.

    Raises:
        DataError: `raw` holds something else.
    """
    tars = [name for name in raw_names(raw) if name.endswith(".tar")]
    if len(tars) != 1:
        do = "give `data.source` of `kind: folder`, or a wheel with a pattern in `files`"
        raise DataError(mismatch("data.reader", "kind", f"a folder of images for `{reader}`", raw_names(raw), do))
    return raw / tars[0]


def members(path: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Yields the members of a tar from front to end, and their contents where they are files."""
    with tarfile.open(path, "r:") as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # else it keeps every header in memory
            yield member, tar.extractfile(member)


@contextmanager
def open_raw(raw: Path, name: str, field: str) -> Iterator[IO[bytes]]:
    """Opens a fetched file; of a packed folder, a file below it by its relative path.

    Raises:
        DataError: no file is called `name`, which is in `field` of the recipe.
    """
    if name in raw_names(raw):
        with (raw / name).open("rb") as stream:
            yield stream
        return
    if not (raw / TAR).is_file():
        raise DataError(_not_there(name, field, raw_names(raw)))
    with tarfile.open(raw / TAR) as tar:
        member = next((m for m in tar if m.name == name and m.isfile()), None)
        stream_in_tar = tar.extractfile(member) if member else None
        if stream_in_tar is None:
            raise DataError(_not_there(name, field, tar.getnames()))
        yield stream_in_tar


def _not_there(name: str, field: str, names: list[str]) -> str:
    shown = ", ".join(f"`{known}`" for known in names[:10]) + (", ..." if len(names) > 10 else "")
    return mismatch("data.reader", field, f"one of {shown}", f"`{name}`", "name a file of the source")
