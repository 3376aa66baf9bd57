"""Retraining by the clock on this machine: a Prefect deployment, served by its own scheduler."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from tasks.core.errors import InputError, mismatch

if TYPE_CHECKING:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig
    from prefect.runner import Runner
    from prefect.schedules import Schedule

Overlap = Literal["skip", "queue", "replace"]
ENTRYPOINT = "cli.deployment.retrain_if_changed"
"""where Prefect finds the flow in the process of a run, with a console that listens"""


def scheduled(model: str, cron: str, timezone: str, overlap: Overlap, ready: Callable[[], None]) -> "Runner":
    """Returns what serves the deployment of a recipe, as soon as Prefect's API answers, which `ready` waits for.

    Raises:
        InputError: the cron line or the timezone is wrong.
    """
    from prefect.runner import Runner

    from flows.scheduled import retrain_if_changed

    # Outside of an event loop it is a deployment, never a promise of one.
    deployment: Any = retrain_if_changed.to_deployment(
        model,
        schedule=_schedule(cron, timezone),
        concurrency_limit=_limit(overlap),
        parameters={"recipe": f"params/{model}.yaml", "replace": overlap == "replace"},
    )
    deployment.entrypoint = ENTRYPOINT
    ready()
    runner = Runner(name=model, pause_on_shutdown=True)
    runner.add_deployment(deployment)
    return runner


def run_until_ended(runner: "Runner") -> None:
    """Runs until Ctrl-C or SIGTERM: both end the runner's loop, and with it the runs that go on."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    # Its own handler leaves its work undone: it asks to be stopped where only an `await` would stop it.
    runner.handle_sigterm = end  # type: ignore[method-assign]
    with suppress(KeyboardInterrupt):
        asyncio.run(runner.start())


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


def _limit(overlap: Overlap) -> "ConcurrencyLimitConfig | None":
    """Returns Prefect's limit; it knows no replacing, which a run does itself when it begins (`end_earlier_runs`)."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy

    strategies = {"skip": ConcurrencyLimitStrategy.CANCEL_NEW, "queue": ConcurrencyLimitStrategy.ENQUEUE}
    if overlap == "replace":
        return None
    return ConcurrencyLimitConfig(limit=1, collision_strategy=strategies[overlap])
