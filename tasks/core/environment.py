"""The state folder before anything is read from it: the switches of the tools, and where the folder was before.

Records hold absolute paths, and the rows of the ledger that hold them are sealed. So the state folder lists where it
has been, and a path into a former place is read as the same path in the present one: a project that was moved or
copied takes its paths along.
"""

import json
import os
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from filelock import FileLock

from tasks.core.errors import InputError, mismatch
from tasks.core.locks import exclusive
from tasks.core.progress import Notice, say
from tasks.core.servers import login_of, without_login
from tasks.core.workspace import make_private, project_root, state_dir

STORES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
"""kinds of addresses that MLflow takes"""
PLACES = "places.json"
"""a file of the state folder: where it was, the oldest first, and where it is, last"""


def prepare_environment() -> None:
    """Points Prefect and MLflow at the state folder and switches telemetry off, unless the variables are set already.

    The state folder is made, and closed to others, as is all that this process makes from now on.

    To be called before either is imported: both read their settings at import.
    """
    state = state_dir()
    make_private(state)
    _settle(state)
    defaults = {
        "PREFECT_HOME": str(state / "prefect"),
        # DO_NOT_TRACK alone does not stop Prefect's server.
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # Our own lines go to the terminal; Prefect's still reach its database and its pages.
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "MLFLOW_TRACKING_URI": f"sqlite:///{state / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        # A server's clients would print an address per run, and a bar per download, between our lines.
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        # Its page for runs and models needs none of the worker processes it starts for other purposes.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        # A dead server should cost seconds, not the four minutes of the defaults.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
        # Threads that wait for each other sleep: one that spins takes the core of whoever it waits for.
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "0",
        "KMP_BLOCKTIME": "0",
        "DVC_NO_ANALYTICS": "true",
        "RAY_USAGE_STATS_ENABLED": "0",
        "DO_NOT_TRACK": "1",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    _keep_login_apart()


def _keep_login_apart() -> None:
    """Takes name and password out of the address of an MLflow server, which MLflow repeats in its errors.

    It reads them from variables of their own as well.

    Raises:
        InputError: what names a server is no address.
    """
    address = os.environ["MLFLOW_TRACKING_URI"]
    _require_store(address)
    try:
        login = login_of(address) if address.startswith("http") else ("", "")
    except ValueError as error:
        do = "correct the variable, or unset it"
        raise InputError(
            mismatch("MLFLOW_TRACKING_URI", "", "an address such as http://host:5000", error, do)
        ) from None
    if any(login):
        os.environ["MLFLOW_TRACKING_URI"] = without_login(address)
        for name, value in zip(("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"), login, strict=True):
            os.environ.setdefault(name, value)


def _require_store(address: str) -> None:
    """Refuses an address that MLflow has no store for: a folder, which it takes no more, or one of an unknown kind."""
    scheme = address.partition(":")[0].partition("+")[0] if ":" in address else address
    if scheme in STORES or scheme in {one.name for one in entry_points(group="mlflow.tracking_store")}:
        return
    do = "correct the variable, or unset it to keep that state on this machine"
    raise InputError(mismatch("MLFLOW_TRACKING_URI", "", f"one of {', '.join(STORES)}", f"`{address}`", do))


def here(place: str) -> str:
    """Returns a path or a `file://` URI as it is now: one into a former place of the state leads into the present."""
    try:
        now, former = _root(), former_places()
    except InputError:  # outside any project there is no state that could have been moved
        return place
    for old in former:
        for was, is_now in ((str(old), str(now)), (old.as_uri(), now.as_uri())):
            if _is_below(place, was) and not _is_below(place, is_now):
                return f"{is_now}{place[len(was) :]}"
    return place


def former_places() -> tuple[Path, ...]:
    """Returns where the state has been before, the latest first."""
    now = str(_root())
    return tuple(Path(one) for one in dict.fromkeys(reversed(_places(state_dir()))) if one != now)


def _settle(state: Path) -> None:
    """Notes where the state is now, and says so if it was elsewhere.

    Raises:
        BusyError: a run goes on in this state, by its former path.
    """
    now = str(_root())
    if (before := _places(state)[-1:]) == (now,):
        return
    if before:
        with exclusive():
            _add(state, now)
        say(Notice("moved", f"this state was in `{before[0]}`; paths of its records lead into `{now}` from now on"))
    else:
        _add(state, now)


def _add(state: Path, place: str) -> None:
    with FileLock(state / f"{PLACES}.lock"):
        _places.cache_clear()
        if (listed := _places(state))[-1:] != (place,):
            new = state / f"{PLACES}.new"
            new.write_text(json.dumps([*listed, place]), encoding="utf-8")
            new.replace(state / PLACES)
    _places.cache_clear()


@cache
def _places(state: Path) -> tuple[str, ...]:
    try:
        return tuple(json.loads((state / PLACES).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ()


def _root() -> Path:
    """Returns the folder that is moved as a whole: the project, or the state folder where that is elsewhere."""
    state = state_dir()
    try:
        project = project_root()
    except InputError:
        return state
    return project if state.is_relative_to(project) else state


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
