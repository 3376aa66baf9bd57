"""Files that are whole or not there, and their digests."""

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from tasks.core.errors import IntegrityError
from tasks.core.record import Artefact, Record


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
    """Yields a temporary path beside `path` and renames it to `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield temporary
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
