"""The services of a team, each by one command: what `stillhouse team` starts is what the images run.

`python -m infra.services.run NAME` becomes the service. Addresses, databases and secrets are in the environment, in the
tools' own variables, so that none is in a list of processes.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

from tasks.core.environment import prepare_environment
from tasks.core.errors import InputError, StillhouseError, mismatch

POOL = "stillhouse-process"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "mlflow": ("mlflow", "server", "--serve-artifacts"),
    # Ours and not `prefect server start`, whose scheduler plans nothing under SQLAlchemy 2.1.
    "prefect": ("infra.services.prefect_server",),
    # Every process entry of the file: its pool is the one that needs nothing but this clone.
    "deploy": ("prefect", "--no-prompt", "deploy", "--prefect-file", "infra/prefect.yaml", "--name", "*-process"),
    # One run at a time each, so that a second one goes to a second worker.
    "worker": ("prefect", "worker", "start", "--pool", POOL, "--type", "process", "--limit", "1", "--with-healthcheck"),
}
HEALTH: Mapping[str, str] = {"mlflow": "/health", "prefect": "/api/health", "worker": "/health"}
"""where each answers that it is well; a deployment is over when it is done"""


def become(name: str) -> None:
    """Replaces this process by a service: so the signals meant for that reach it.

    Raises:
        InputError: there is no such service.
    """
    if name not in COMMANDS:
        raise InputError(mismatch("infra.services.run", "NAME", ", ".join(COMMANDS), name, "name one of them"))
    prepare_services()
    if name == "deploy":
        make_pool(os.environ.get("PREFECT_API_URL", ""))
    os.execv(sys.executable, [sys.executable, "-m", *COMMANDS[name]])


def prepare_services() -> None:
    """Prepares the environment; a service has no terminal of ours to keep tidy, so what Prefect says is its log."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "INFO")
    prepare_environment()


def make_pool(api: str) -> None:
    """Makes the work pool of the process entries, unless it is there.

    Workers would make it, too, but those who start at once would get in each other's way.

    Raises:
        InputError: there is no Prefect server at this address.
    """
    body = json.dumps({"name": POOL, "type": "process"}).encode()
    request = urllib.request.Request(f"{api}/work_pools/", body, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        if error.code != 409:  # it is there
            raise InputError(mismatch("PREFECT_API_URL", "", "a Prefect server", f"{api} ({error})", DO)) from None
    except (OSError, ValueError) as error:
        raise InputError(mismatch("PREFECT_API_URL", "", "a Prefect server", f"`{api}` ({error})", DO)) from None


DO = "start the server, or export the address of one"


if __name__ == "__main__":
    try:
        become(sys.argv[1] if len(sys.argv) == 2 else "")
    except StillhouseError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
