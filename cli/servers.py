"""`stillhouse ui` and `team`: servers on this machine, until Ctrl-C."""

import signal
import threading
import webbrowser
from typing import Annotated

import typer

from cli.output.console import say
from infra.services.pages import started_pages
from infra.services.run import POOL
from infra.services.team import EXPORTED, Stack, serve_team
from tasks.core.environment import prepare_environment


def ui(
    browser: Annotated[bool, typer.Option(help="Open the pages in a browser.")] = True,
) -> None:
    """Serve MLflow's and Prefect's own pages on the state of this project, until Ctrl-C."""
    prepare_environment()
    ended = _until_stopped()
    with started_pages() as pages:
        for page in pages:
            page.wait(ended)
            say(f"{page.title:<8} {page.url}")
            if browser:
                webbrowser.open(page.url)
        say("Ctrl-C ends them.")
        ended.wait()


def team(
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many runs may go on at once.")] = 2,
) -> None:
    """Serve a team's stack on this machine (PostgreSQL, MLflow, Prefect, workers), until Ctrl-C."""

    def show(stack: Stack) -> None:
        """Says where the stack is; the exports can be pasted into a shell."""
        say(f"MLflow   {stack.environment['MLFLOW_TRACKING_URI']}")
        say(f"Prefect  {stack.environment['PREFECT_UI_URL']}")
        say(f"workers  {workers} of pool {POOL}; logs in {stack.folder}")
        for name in EXPORTED:
            say(f"export {name}={stack.environment[name]}")
        say("Ctrl-C ends them.")

    serve_team(workers, _until_stopped(), show)


def _until_stopped() -> threading.Event:
    """Returns an event that Ctrl-C and SIGTERM set."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    return ended
