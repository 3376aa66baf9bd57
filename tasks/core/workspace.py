"""Where things lie on this machine, and the switches of the tools that must be set before they are imported."""

import os
import subprocess
from pathlib import Path

from tasks.core.errors import InputError, mismatch
from tasks.core.servers import login_of, without_login

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


def prepare_environment() -> None:
    """Points Prefect and MLflow at the state folder and switches telemetry off, unless the variables are set already.

    To be called before either is imported: both read their settings at import.
    """
    state = state_dir()
    state.mkdir(parents=True, exist_ok=True)
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
