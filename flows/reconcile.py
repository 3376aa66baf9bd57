"""Runs of a process: labelled as its own, and closed by the next one where it was killed.

Only what belongs to a process of this state folder that has ended is touched; a run that is alive, here or on another
machine, never is. A clean-up that is killed itself is finished by the next one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from prefect import tags
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterTags
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

from tasks.core import process_lease
from tasks.core.errors import StoppedError
from tasks.core.process_lease import owner as this_process
from tasks.core.progress import Notice, say
from tasks.tracking.runs import FLOW_RUN, PARENT, deliver_left
from tasks.upkeep.abandoned import close, forget_checkpoints, open_runs
from tasks.upkeep.mlflow_runs import Run

WHY = "its process ended before it did"
OPEN = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)


def reconcile() -> Iterator[str]:
    """Closes what killed processes left open in MLflow and Prefect, whose API must answer; yields what, in words."""
    for owner in process_lease.gone():
        with get_client(sync_client=True) as client:
            runs = open_runs(owner)
            # Prefect first: the flow run of a killed process is found by what MLflow still calls running, too.
            yield from (f"Prefect's `{name}`, as crashed" for name in _crash(client, owner, runs))
        for run in runs:
            close(run)
            yield f"MLflow's `{run.name}`, as killed"
        if count := deliver_left(owner):
            yield f"metrics of {count} run{'s' if count > 1 else ''} that MLflow had not got yet: delivered"
    for name in forget_checkpoints():
        yield f"checkpoints of `{name[:12]}`, which were not started again: removed"


def reconcile_and_tell() -> int:
    """Closes what killed processes left open, tells of each, and returns how many that were."""
    lines = [*reconcile()]
    for line in lines:
        say(Notice("closed", line))
    return len(lines)


@contextmanager
def owned_runs(after_stop: str) -> Iterator[None]:
    """Labels the flow runs of the block as this process's, after closing what killed processes left open.

    Raises:
        StoppedError: a person pressed Ctrl-C; `after_stop` says how to go on.
    """
    reconcile_and_tell()
    try:
        with tags(_label(this_process())):
            yield
    except KeyboardInterrupt:
        raise StoppedError(f"stopped; {after_stop}") from None


def _crash(client: SyncPrefectClient, owner: str, runs: Sequence[Run]) -> Iterator[str]:
    """Closes the flow runs of an owner as crashed, with their tasks; yields their names."""
    # By parents only: a worker of a sweep owns a stage of a flow that is another process's, and may go on without it.
    parents = [run for run in runs if PARENT not in run.tags]
    of_runs = [run.tags[FLOW_RUN] for run in parents if FLOW_RUN in run.tags]
    tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[_label(owner)]))
    linked = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(one) for one in of_runs]))
    found = {run.id: run for wanted in (tagged, linked) for run in client.read_flow_runs(flow_run_filter=wanted)}
    for run in found.values():
        if run.state_type in OPEN:
            _crash_tasks(client, FlowRunFilter(id=FlowRunFilterId(any_=[run.id])))
            client.set_flow_run_state(run.id, Crashed(message=WHY), force=True)
            yield run.name


def _crash_tasks(client: SyncPrefectClient, flow_run: FlowRunFilter) -> None:
    for task in client.read_task_runs(flow_run_filter=flow_run):
        if task.state_type in OPEN:
            client.set_task_run_state(task.id, Crashed(message=WHY), force=True)


def _label(owner: str) -> str:
    """Returns the tag of the flow runs of an owner."""
    return f"owner:{owner}"
