"""Writes to a device's disk so that a cut of power leaves the old or the new, never a half."""

import os
import shutil
from pathlib import Path


def write_durably(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Puts a file in place by one rename, after its bytes are on the disk; the umask takes from its mode."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(os.fspath(temporary), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


def remove_unfinished(directory: Path, end: str) -> None:
    """Removes what killed processes left before their file `*end` was in place; no other process may be writing."""
    for left in directory.glob(f".*{end}.new"):
        left.unlink(missing_ok=True)


def point(link: Path, target: str) -> None:
    """Makes a symbolic link point to `target` by one rename, wherever it pointed before."""
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
    sync_directory(link.parent)


def sync_files(directory: Path) -> None:
    """Forces every file of a directory, and the directory itself, onto the disk."""
    for path in directory.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Forces the names in a directory onto the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_directory(directory: Path) -> None:
    """Removes a directory and what is in it, if it is there."""
    if directory.exists():
        shutil.rmtree(directory)
