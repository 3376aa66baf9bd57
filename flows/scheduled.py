"""What a schedule runs: a look at whether there is anything to do and, only where there is, a retrain."""

import time
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import State, flow, get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.runtime import flow_run
from prefect.states import Cancelling, Completed

from flows.changes import Comparison, compare
from flows.logs import follow
from flows.run import RunStarted, load, note_no_reason, note_nothing_changed, refusal, refusals, run
from flows.triggers import ask_triggers
from params.pipeline import Recipe
from tasks.core.environment import prepare_environment
from tasks.core.errors import BusyError, mismatch
from tasks.core.progress import say

SCHEDULE = "schedule"
PATIENCE_SECONDS = 120.0
"""for an earlier run to end that was asked to"""
STILL_THERE = ("PENDING", "RUNNING", "CANCELLING")


@flow(name="retrain if changed", flow_run_name="anything to do for {recipe}?")
def retrain_if_changed(recipe: str, asked: str = SCHEDULE, replace: bool = False) -> State[Any]:
    """Retrains a recipe if anything it depends on changed since it last ran and a trigger of the recipe says yes.

    Otherwise that is recorded, with the reason.

    Args:
        recipe: its file, relative to the project.
        asked: what asked, for the ledger.
        replace: ends earlier runs of the same deployment first; else Prefect's concurrency limit decides.

    Returns:
        A completed state, whose name says what became of it: `Nothing to do`, `Released` or `Refused`.
    """
    prepare_environment()
    follow()
    if replace:
        end_earlier_runs()
    project, loaded = load(Path(recipe), [])
    comparison = compare(project, loaded)
    if not comparison.changes:
        return Completed(name="Nothing to do", message=note_nothing_changed(loaded, comparison, asked))
    answer = ask_triggers(project, loaded, comparison)
    if not answer.yes:
        return Completed(name="Nothing to do", message=note_no_reason(loaded, comparison, asked, answer.reason))
    return _retrain(project, loaded, comparison, answer.reason)


def _retrain(project: Path, recipe: Recipe, comparison: Comparison, reason: str) -> State[Any]:
    say(RunStarted(recipe.name, reason))
    retrained = run(project, recipe, comparison)
    if refused := refusals(retrained.promotions):
        return Completed(name="Refused", message=refusal(refused[0]))
    return Completed(name="Released", message=f"{recipe.name} version {retrained.release.version}; {reason}")


def end_earlier_runs() -> None:
    """Cancels the runs of this run's deployment that came before it, and returns when they are over.

    Raises:
        BusyError: one of them goes on.
    """
    with get_client(sync_client=True) as client:
        this = client.read_flow_run(UUID(flow_run.id))
        deadline = time.monotonic() + PATIENCE_SECONDS
        asked: set[UUID] = set()
        while earlier := _others(client, this.id, this.deployment_id):
            for one in earlier - asked:
                client.set_flow_run_state(one, Cancelling(message=f"replaced by {this.name}"))
            asked |= earlier
            if time.monotonic() > deadline:
                got = ", ".join(map(str, sorted(earlier)))
                do = "cancel it in Prefect, or end its process"
                raise BusyError(mismatch("schedule", "", "earlier runs to end when they are replaced", got, do))
            time.sleep(1)


def _others(client: SyncPrefectClient, this: UUID, deployment: UUID | None) -> set[UUID]:
    """Returns the runs of a deployment that are not over; none for a flow that was called by hand."""
    if deployment is None:
        return set()
    wanted = {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": list(STILL_THERE)}}}
    found = client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted))
    return {run.id for run in found} - {this}
