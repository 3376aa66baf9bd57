"""Where things lie on this machine."""

import os
import subprocess
from pathlib import Path

from tasks.core.errors import InputError
from tasks.core.servers import without_login

MARKER = "dvc.yaml"


def project_root(start: Path | None = None) -> Path:
    """Returns the nearest folder, from `start` upwards, that holds `dvc.yaml`.

    Raises:
        InputError: there is none.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / MARKER).is_file():
            return folder
    raise InputError(
        f"`{start}`: expected a Stillhouse project (a folder with `{MARKER}`), found none here or above;"
        " change into your clone first"
    )


def state_dir() -> Path:
    """Returns the folder for everything that Stillhouse keeps on this machine; `STILLHOUSE_HOME` overrides it."""
    override = os.environ.get("STILLHOUSE_HOME")
    return Path(override).resolve() if override else project_root() / ".stillhouse"


def git_commit(root: Path) -> str:
    """Returns the commit checked out at `root`, with `-dirty` where tracked files differ, or `none` outside git."""
    described = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "none"


def git_remote(root: Path) -> str:
    """Returns the address of the repository that `root` was cloned from, without a password; empty where none is."""
    asked = ["git", "-C", str(root), "remote", "get-url", "origin"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return without_login(answer.stdout.strip())
