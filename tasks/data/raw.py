"""Reading what `fetch` brought: a file by its name, whether it lies in `raw` or in the tar of a folder."""

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tasks.data.fetch import CONTENTS
from tasks.data.sources.own import TAR
from tasks.errors import DataError, IntegrityError, mismatch
from tasks.files import sha256_of


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
            do = f"remove `{raw.parent}` and `.dvc/cache`, then run again: it is fetched anew"
            raise IntegrityError(mismatch(str(path), "", f"sha256 {sha256}", got, do))


def raw_names(raw: Path) -> list[str]:
    """Returns the names of the fetched files."""
    return sorted(path.name for path in raw.iterdir() if path.name != CONTENTS)


@contextmanager
def open_raw(raw: Path, name: str, field: str) -> Iterator[IO[bytes]]:
    """Opens a fetched file; of a packed folder, a file below it by its relative path.

    Raises:
        DataError: no file is called `name`, which stands in `field` of the recipe.
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
