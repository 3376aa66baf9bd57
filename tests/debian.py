"""Programs that a test needs and the distribution has: installed where we may, else the test is skipped."""

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import TypeVar

import pytest

Found = TypeVar("Found")
WAIT = ("-o", "DPkg::Lock::Timeout=600")
"""another test may be installing something else"""


def required(find: Callable[[], Found | None], package: str) -> Found:
    """Returns what `find` finds, after installing a package of Debian's if that takes it; skips where that fails."""
    found = find()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
            subprocess.run(["apt-get", *WAIT, *command], capture_output=True, check=False)
        found = find()
    if found is None:
        pytest.skip(f"no {package} on this machine, and none can be installed (`apt-get install {package}` does)")
    return found
