"""Where things lie on this machine, and who may read them: their owner alone, or the group of `STILLHOUSE_GROUP`.

Libraries make most files of the state folder, so no list of them would be complete: what counts is the umask of every
process that works with the state, and the mode of the folder itself. What is a person's own keeps the permissions that
it would have without us: prepared data, `dvc.lock`, and the folder that a web server serves.
"""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tasks.core.errors import InputError, mismatch
from tasks.core.servers import without_login

MARKER = "dvc.yaml"
GROUP = "STILLHOUSE_GROUP"
USUAL = "STILLHOUSE_UMASK"
"""the umask that a person has, in octal: set by the first process of a command for those that it starts"""
READS_OR_WRITES = 0o066
"""what others may not do; that they may pass through is left as it is, since PostgreSQL's account needs it"""
READ_ONLY_DATABASE = "attempt to write a readonly database"
"""of SQLite"""


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


def make_private(state: Path) -> None:
    """Makes the state folder, closes it to others, and has whatever is made from now on closed to them.

    Raises:
        InputError: it cannot be made; the group is not there, or is none of this user's.
    """
    group = os.environ.get(GROUP, "")
    before = os.umask(0o007 if group else 0o077)
    os.environ.setdefault(USUAL, f"{before:03o}")
    _make(state)
    found = state.stat()
    if found.st_uid != os.geteuid():
        return  # whose it is decides
    if group:
        _open_to(state, group)
    elif found.st_mode & READS_OR_WRITES:
        state.chmod(0o700)


def usual_umask() -> int:
    """Returns the umask that a person has, for what is their own."""
    return int(os.environ.get(USUAL, "022"), 8)


@contextmanager
def usual_permissions() -> Iterator[None]:
    """Has what the block makes readable as a person's own files are."""
    before = os.umask(usual_umask())
    try:
        yield
    finally:
        os.umask(before)


def _open_to(state: Path, group: str) -> None:
    """Lets a group read and write, and has what is made in the folder belong to it."""
    try:
        shutil.chown(state, group=group)
    except (LookupError, PermissionError) as error:
        do = "name a group that you are in, or unset it to keep the state to yourself"
        raise InputError(mismatch(GROUP, "", "a group of this user's", f"`{group}` ({error})", do)) from None
    state.chmod(0o2770)


def state_made() -> Path:
    """Returns the folder of `state_dir`, made if it is not there.

    Raises:
        InputError: it cannot be made there, or not be written to.
    """
    state = state_dir()
    _make(state)
    return state


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_writable(folder, error.strerror) from None


def require_writable(folder: Path) -> None:
    """Checks that files can be made in a folder.

    Raises:
        InputError: they cannot.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        raise not_writable(folder, "one that may only be read")


def unwritable(error: BaseException) -> InputError | None:
    """Returns what to say of an error that a folder is behind which may only be read, or a path that is none."""
    if isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return InputError(
            mismatch(str(error.filename), "", "a path that leads to a file", error.strerror, "correct it")
        )
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return not_writable(Path(error.filename or state_dir()), error.strerror)
    return not_writable(state_dir(), READ_ONLY_DATABASE) if READ_ONLY_DATABASE in str(error) else None


def not_writable(path: Path, got: object) -> InputError:
    """Returns the error of a place that is not ours to write to."""
    do = "work in a clone of your own"
    if path.is_relative_to(state_dir()):
        do = f"set `STILLHOUSE_HOME` to a folder of your own, or {do}"
    return InputError(mismatch(str(path), "", "a place that can be written to", got, do))


def git_commit(root: Path) -> str:
    """Returns the commit checked out at `root`, with `-dirty` where tracked files differ, or `none` outside git."""
    described = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "none"


def product_version() -> str:
    """Returns the version of Stillhouse that runs, or `none` where it is not installed."""
    try:
        return version("stillhouse")
    except PackageNotFoundError:
        return "none"


def git_remote(root: Path) -> str:
    """Returns the address of the repository that `root` was cloned from, without a password; empty where none is."""
    asked = ["git", "-C", str(root), "remote", "get-url", "origin"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return without_login(answer.stdout.strip())
