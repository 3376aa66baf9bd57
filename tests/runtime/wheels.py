"""The wheel for devices in an environment of its own."""

import subprocess
import sys
import venv
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def installed(folder: Path, extras: str, *options: str | Path) -> Path:
    """Installs the wheel, and returns the folder with `python` and `stillhouse-edge`.

    Args:
        folder: a new one.
        extras: of the wheel, such as `[serve]`.
        options: of `pip install`, such as constraints or versions of other packages.
    """
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, PROJECT / "infra" / "device"], check=True)
    wheel = next(folder.glob("stillhouse_edge-*.whl"))
    venv.create(folder / "environment")
    python = folder / "environment" / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", f"{wheel}{extras}", *options], check=True)
    return python.parent
