"""Files that are complete or not there, their digests, and the error of a full disk."""

import errno
import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from tasks.core.errors import DiskFullError, IntegrityError, mismatch
from tasks.core.record import Artefact, Record

WORDS = ("No space left on device", "database or disk is full")
"""of the system and of SQLite, inside the errors of libraries that pass nothing else on"""
NEXT = "free some (`stillhouse gc` does), then type the same command again: it goes on behind what was finished"


def sha256_of(path: Path) -> str:
    """Returns the sha256 of a file's bytes in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def md5_of(path: Path) -> str:
    """Returns the md5 of a file's bytes in hex, by which DVC names it."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` and renames it to `path` when the block ends without an error.

    What replaces a file has the permissions of that.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield temporary
        if path.is_file():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields a new folder beside `path` and renames it to `path`, replacing what was there, when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.mkdir()
    try:
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def local_path(uri: str) -> Path | None:
    """Returns the path of a `file://` URI or a plain path, None for anything remote."""
    parsed = urlparse(uri)
    if parsed.scheme in ("", "file"):
        return Path(unquote(parsed.path))
    return None


def artefact_of(path: Path, uri: str | None = None) -> Artefact:
    """Returns the record of a file on this machine; `uri` where it is known under another name."""
    path = path.resolve()
    return Artefact(uri=uri or path.as_uri(), sha256=sha256_of(path), size=path.stat().st_size)


def verified(path: Path, artefact: Artefact) -> Path:
    """Returns `path` after checking that its bytes are those of `artefact`.

    Raises:
        IntegrityError: the file is missing or has other bytes.
    """
    got = sha256_of(path) if path.is_file() else "no file"
    if got != artefact.sha256:
        raise IntegrityError(
            f"`{path}`: expected sha256 {artefact.sha256}, got {got};"
            " the stage that made it must run again (`stillhouse run` does that)"
        )
    return path


def artefacts_in(value: Any) -> Iterator[Artefact]:
    """Yields every file that a record, or any record in a tuple, names."""
    if isinstance(value, Artefact):
        yield value
    elif isinstance(value, Record):
        for name in type(value).model_fields:
            yield from artefacts_in(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from artefacts_in(item)


def require_room(path: Path, needed: int) -> None:
    """Checks that a file of `needed` bytes can be written to `path`, whose folder is there.

    Raises:
        DiskFullError: the disk has not that many bytes free.
    """
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise DiskFullError(mismatch(str(path), "", f"{needed:,} bytes free", f"{free:,}", NEXT))


def disk_full(error: BaseException, state: Path) -> DiskFullError | None:
    """Returns what to say of an error that a full disk is behind; None where none is.

    Args:
        error: what was raised, with what it came from.
        state: the folder whose disk it is about where the error names no file.
    """
    for one in _chain(error):
        if isinstance(one, DiskFullError):
            return one
        if getattr(one, "errno", None) == errno.ENOSPC or any(words in str(one) for words in WORDS):
            return _full(Path(getattr(one, "filename", None) or state))
    return None


def _full(path: Path) -> DiskFullError:
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    got = f"a full disk: {shutil.disk_usage(there).free:,} bytes free"
    return DiskFullError(mismatch(str(path), "", "room for what is written", got, NEXT))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
