"""Retraining by the clock on this machine: a Prefect deployment, served by its own scheduler until Ctrl-C."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cli.console import console
from cli.recipe import load
from infra.services.prefect_server import start_prefect_api
from tasks.core.errors import InputError, mismatch
from tasks.core.workspace import prepare_environment

if TYPE_CHECKING:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig
    from prefect.runner import Runner
    from prefect.schedules import Schedule

Overlap = Literal["skip", "queue", "replace"]
WORDS: dict[Overlap, str] = {
    "skip": "one that is due while another goes on is left out",
    "queue": "one that is due while another goes on waits for it",
    "replace": "one that is due ends the one that goes on",
}


def serve_schedule(path: Path, cron: str, timezone: str, overlap: str) -> None:
    """Serves the deployment of a recipe until Ctrl-C or SIGTERM, which also end a run that goes on.

    Raises:
        InputError: the recipe, the cron line, the timezone or the overlap policy is wrong.
    """
    project, recipe = load(path, [])
    policy = _policy(overlap)
    # The processes of runs begin in this folder, and find the project and its code there.
    os.chdir(project)
    prepare_environment()
    ready = start_prefect_api(scheduler=True)
    from prefect.runner import Runner
    from prefect.types.entrypoint import EntrypointType

    from flows.scheduled import retrain_if_changed

    # Outside of an event loop it is a deployment, never a promise of one.
    deployment: Any = retrain_if_changed.to_deployment(
        recipe.name,
        schedule=_schedule(cron, timezone),
        concurrency_limit=_limit(policy),
        parameters={"recipe": f"params/{recipe.name}.yaml", "replace": policy == "replace"},
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    ready()
    console.print(f"{recipe.name}: retrains at `{cron}` ({timezone}) if anything changed", soft_wrap=True)
    console.print(f"overlap: {policy}; {WORDS[policy]}", soft_wrap=True)
    console.print("Ctrl-C ends it.")
    runner = Runner(name=recipe.name, pause_on_shutdown=True)
    runner.add_deployment(deployment)
    _run_until_ended(runner)


def _run_until_ended(runner: "Runner") -> None:
    """Runs until Ctrl-C or SIGTERM: both end the runner's loop, and with it the runs that go on."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    # Its own handler leaves its work undone: it asks to be stopped where only an `await` would stop it.
    runner.handle_sigterm = end  # type: ignore[method-assign]
    with suppress(KeyboardInterrupt):
        asyncio.run(runner.start())


def _policy(overlap: str) -> Overlap:
    for policy in WORDS:
        if overlap == policy:
            return policy
    do = "name one of them"
    raise InputError(mismatch("stillhouse schedule", "--overlap", "skip, queue or replace", overlap, do))


def _schedule(cron: str, timezone: str) -> "Schedule":
    """Returns the schedule, after Prefect's own check of both texts."""
    from prefect.client.schemas.schedules import CronSchedule
    from prefect.schedules import Cron
    from pydantic import ValidationError

    try:
        CronSchedule(cron=cron, timezone=timezone)
    except ValidationError as invalid:
        wrong = {str(error["loc"][0]) for error in invalid.errors() if error["loc"]}
        if "timezone" in wrong:
            do, got = "write it like Europe/Berlin", timezone
            raise InputError(mismatch("stillhouse schedule", "--timezone", "an IANA timezone", got, do)) from None
        do = 'write it like "0 2 * * 1": minute, hour, day, month, weekday'
        raise InputError(mismatch("stillhouse schedule", "--cron", "a cron line", cron, do)) from None
    return Cron(cron, timezone=timezone)


def _limit(policy: Overlap) -> "ConcurrencyLimitConfig | None":
    """Returns Prefect's limit; it knows no replacing, which a run does itself when it begins (`end_earlier_runs`)."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy

    strategies = {"skip": ConcurrencyLimitStrategy.CANCEL_NEW, "queue": ConcurrencyLimitStrategy.ENQUEUE}
    if policy == "replace":
        return None
    return ConcurrencyLimitConfig(limit=1, collision_strategy=strategies[policy])
