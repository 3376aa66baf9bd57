"""What all doors have in common: a stage as a Prefect task whose cache key is its fingerprint.

A door is a function `(run, *inputs) -> record` in the `task.py` of its room. `stage` makes of it a callable
`(*inputs) -> record` that opens an MLflow run for it, says how far it is, and takes an earlier result of the same
fingerprint, after checking that every file of that result is still there with its bytes: Prefect's cache does not look.
"""

import functools
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.results import ResultStore
from prefect.runtime import flow_run
from prefect.serializers import JSONSerializer
from pydantic import Field

from params.section import Section
from tasks.core.checkpoints import resumable
from tasks.core.errors import BusyError, IntegrityError
from tasks.core.files import artefacts_in, local_path, verified
from tasks.core.fingerprint import flatten, stage_fingerprint
from tasks.core.progress import Advance, StageAdvanced, StageEnded, StageFailed, StageStarted, say
from tasks.core.record import Record
from tasks.core.workspace import state_dir
from tasks.tracking import job_runs, runs, spans
from tasks.tracking.job_events import JobRun
from tasks.tracking.runs import StageRun
from tasks.tracking.sealed import SEALED, sealed, unsealed


class SealedSerializer(JSONSerializer[Any]):
    """JSON with its sha256: a result of which a byte has changed is as good as not there, whatever it says by now."""

    type: str = Field(default=SEALED, frozen=True)

    def dumps(self, obj: Any) -> bytes:
        """Returns the bytes to store."""
        return sealed(super().dumps(obj))

    def loads(self, blob: bytes) -> Any:
        """Returns what was stored; raises ValueError where the bytes are others."""
        return super().loads(unsealed(blob))


P = ParamSpec("P")
R = TypeVar("R", bound=Record)
RETRY_DELAYS = [2.0, 10.0]
"""seconds"""


def stage(
    title: str, libraries: Sequence[str], summary: Callable[[R], str], cached: bool = True
) -> Callable[[Callable[Concatenate[StageRun, P], R]], Callable[P, R]]:
    """Makes a door of a room into a Prefect task.

    Args:
        title: what people call the stage; the name of the task and of the MLflow run.
        libraries: distributions whose version can change the numbers.
        summary: one line about a result.
        cached: False where the stage itself knows what is done already, as DVC does.
    """

    def decorate(door: Callable[Concatenate[StageRun, P], R]) -> Callable[P, R]:
        names = [*inspect.signature(door).parameters][1:]

        def key(_context: Any, inputs: dict[str, Any]) -> str:
            return stage_fingerprint(
                f"{door.__module__}:{door.__name__}", {name: inputs[name] for name in names}, libraries
            )

        caching: dict[str, Any] = {"cache_key_fn": key} if cached else {"cache_policy": NO_CACHE}
        work: Task[..., R] = Task(
            fn=_without_run(door, title, summary, lambda inputs: key(None, inputs)),
            name=title,
            retries=len(RETRY_DELAYS),
            retry_delay_seconds=RETRY_DELAYS,
            retry_condition_fn=_worth_another_try,
            persist_result=True,
            result_serializer=SealedSerializer(),
            **caching,
        )

        @functools.wraps(door)
        def call(*args: Any, **kwargs: Any) -> R:
            inputs, started = dict(zip(names, args, strict=False)) | kwargs, time.perf_counter()
            record: R
            with spans.span(title, lambda: _known(title, key(None, inputs))) as told:
                taken = cached and _intact(work, key(None, inputs)) is not None
                if taken:
                    record = work(**inputs)
                else:
                    with _announced(title, inputs) as run:
                        record = work.with_options(refresh_cache=True)(**inputs)
                        run.made(record)
                told(_learned(record, taken))
            _say_ended(title, summary(record), record, taken, time.perf_counter() - started)
            return record

        return cast(Callable[P, R], call)

    return decorate


def advance_of(title: str) -> Advance:
    """Returns the callable by which a stage says how far it is."""
    return lambda done, total, note: say(StageAdvanced(title, done, total, note))


@contextmanager
def _announced(title: str, inputs: dict[str, Any]) -> Iterator[JobRun]:
    """Tells of a stage that works in the block; a catalogue is told, too, but not of what is taken as it is."""
    say(StageStarted(title))
    try:
        with job_runs.stage_run(title, tuple(inputs.values())) as run:
            yield run
    except BaseException:
        say(StageFailed(title))
        raise


def _known(title: str, fingerprint: str) -> dict[str, str | bool]:
    """Returns the attributes that the span of a stage begins with."""
    return {
        "stillhouse.recipe": job_runs.recipe(),
        "stillhouse.stage": title,
        "stillhouse.fingerprint": fingerprint,
    }


def _learned(record: Record, taken: bool) -> dict[str, str | bool]:
    """Returns the attributes that the span of a stage ends with."""
    return {"stillhouse.cached": _reused(record, taken), "stillhouse.mlflow_run": getattr(record, "run_id", "") or ""}


def _reused(record: Record, taken: bool) -> bool:
    return bool(taken or getattr(record, "reused", False))


def _say_ended(title: str, summary: str, record: Record, taken: bool, seconds: float) -> None:
    """Notes what a stage came to on the run of its flow, and says so."""
    runs.note_stage(flow_run.id, title, getattr(record, "run_id", "") or "none", record.digest)
    reused = _reused(record, taken)
    say(StageEnded(title, summary, seconds, reused, getattr(record, "created", None) if reused else None))


def _without_run(
    door: Callable[..., R], title: str, summary: Callable[[R], str], key: Callable[[dict[str, Any]], str]
) -> Callable[..., R]:
    """Returns the body of the Prefect task: the door with an MLflow run opened for it, and a place for checkpoints."""
    whole = inspect.signature(door)
    signature = whole.replace(parameters=[*whole.parameters.values()][1:])

    def body(*args: Any, **kwargs: Any) -> R:
        inputs = signature.bind(*args, **kwargs).arguments
        kept = state_dir() / "checkpoints" / key(inputs)
        with resumable(kept), runs.stage_run(title, flow_run.id) as run:
            for name, value in inputs.items():
                if isinstance(value, Section):
                    run.params(flatten(value.model_dump(mode="json"), name))
            record = door(run, **inputs)
            run.note(summary(record))
            return record

    body.__signature__ = signature  # type: ignore[attr-defined]
    body.__name__, body.__doc__, body.__module__ = door.__name__, door.__doc__, door.__module__
    return body


def _intact(work: Task[..., R], key: str) -> R | None:
    """Returns the result that Prefect keeps under `key` if it can still be read and all its files have their bytes."""
    store = cast(ResultStore, ResultStore().update_for_task(work))
    try:
        record = store.read(key).result if store.exists(key) else None
        for artefact in artefacts_in(record):
            here = local_path(artefact.uri)
            if here is not None:
                verified(here, artefact)
    except (IntegrityError, ValueError, OSError):
        # Made by other code, cut short, or its files are gone: as good as not there.
        return None
    return cast(R | None, record)


def _worth_another_try(_task: Any, _run: Any, state: Any) -> bool:
    """Says whether the same call may succeed later; a wrong recipe or a refusal never does."""
    from mlflow.exceptions import MlflowException

    error = state.data
    return isinstance(error, BusyError | ConnectionError | TimeoutError | MlflowException)
