"""`stillhouse schedule`: retraining by the clock on this machine, until Ctrl-C."""

import os
from typing import Annotated

import typer

from cli.options import RecipePath
from cli.output.console import say
from flows.run import load
from infra.services.prefect_server import start_prefect_api
from infra.services.schedule import Overlap, run_until_ended, scheduled
from tasks.core.environment import prepare_environment
from tasks.core.errors import InputError, mismatch

WORDS: dict[Overlap, str] = {
    "skip": "one that is due while another goes on is left out",
    "queue": "one that is due while another goes on waits for it",
    "replace": "one that is due ends the one that goes on",
}


def schedule(
    recipe: RecipePath,
    cron: Annotated[str, typer.Option(help='When to look for changes, such as "0 2 * * 1".')],
    timezone: Annotated[str, typer.Option(help="Of the cron line, such as Europe/Berlin.")] = "UTC",
    overlap: Annotated[str, typer.Option(help="skip, queue or replace.")] = "skip",
) -> None:
    """Retrain by the clock where anything changed, until Ctrl-C."""
    project, loaded = load(recipe, [])
    policy = _policy(overlap)
    # The processes of runs begin in this folder, and find the project and its code there.
    os.chdir(project)
    prepare_environment()
    ready = start_prefect_api(scheduler=True)
    runner = scheduled(loaded.name, cron, timezone, policy, ready)
    say(f"{loaded.name}: retrains at `{cron}` ({timezone}) if anything changed")
    say(f"overlap: {policy}; {WORDS[policy]}")
    say("Ctrl-C ends it.")
    run_until_ended(runner)


def _policy(overlap: str) -> Overlap:
    for policy in WORDS:
        if overlap == policy:
            return policy
    do = "name one of them"
    raise InputError(mismatch("stillhouse schedule", "--overlap", "skip, queue or replace", overlap, do))
