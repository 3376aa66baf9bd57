"""Writes files that are complete or absent, even where the machine loses its power right after."""

import os
import re
import secrets
from pathlib import Path

from tasks.core.workspace import not_writable, usual_permissions
from tasks.runtime.update.storage import sync_directory

OWNER_ONLY, EVERYBODY = 0o600, 0o644
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}")


def write(path: Path, content: bytes, mode: int = EVERYBODY) -> None:
    """Puts a file in place by one rename, its bytes and then its name forced to the disk.

    Args:
        path: replaced where it is there; its folder is made.
        content: the bytes.
        mode: the permissions, less the umask of the person: a web server reads what is served.
    """
    with usual_permissions():
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with usual_permissions():
            opened = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(opened, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def private_dir(path: Path) -> Path:
    """Returns a folder that only its owner may enter; makes it if it is missing.

    Raises:
        InputError: it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise not_writable(path, error.strerror) from None
    return path


def sweep(folder: Path) -> None:
    """Removes what a killed `write` left below a folder; no other process may be writing there."""
    for path in folder.rglob(".*"):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink()
