"""One student of a sweep, made wherever the task runner wants it: the stages of a retrain, under the same keys."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows.retrain import teach_student
from flows.sweep.worker_env import WorkerEnv
from params.pipeline import Recipe
from tasks.compress.task import compress_student
from tasks.contracts.records import CandidatesRecord, DataRecord, ModelRecord, TeacherRecord
from tasks.core.progress import Event, StageEnded, listen
from tasks.core.record import Record
from tasks.tracking import job_runs


class TrialResult(Record):
    """What came of one student: its files, or why there are none."""

    failure: str = ""
    student: ModelRecord | None = None
    candidates: CandidatesRecord | None = None
    reused: bool = False
    """whether all of it was there already"""
    seconds: float = 0.0


@task(name="student of a sweep", cache_policy=NO_CACHE)
def make_student(
    recipe: Recipe, teachers: tuple[TeacherRecord, ...], data: DataRecord, cores: int, place: WorkerEnv
) -> TrialResult:
    """Trains and compresses the student of a recipe. That one fails is a result like others: the sweep goes on."""
    started = time.perf_counter()
    try:
        with (
            place.active(),
            _cores(cores),
            _recorded_events() as events,
            job_runs.within(recipe.name, "sweep", str(flow_run.id)),
        ):
            nearest, student = teach_student(recipe, teachers, data)
            candidates = compress_student(
                recipe.compress, recipe.student, recipe.distill, nearest, student, data, recipe.seed
            )
    except Exception as error:
        return TrialResult(failure=reason(error), seconds=time.perf_counter() - started)
    reused = all(event.reused for event in events if isinstance(event, StageEnded))
    seconds = time.perf_counter() - started
    return TrialResult(student=student, candidates=candidates, reused=reused, seconds=seconds)


def reason(error: BaseException) -> str:
    """Returns an error in words; exceptions need not survive the way from one process to another."""
    return str(error).strip() or type(error).__name__


@contextmanager
def _recorded_events() -> Iterator[list[Event]]:
    """Yields what the stages of this process say in the block."""
    events: list[Event] = []
    stop = listen(events.append)
    try:
        yield events
    finally:
        stop()


@contextmanager
def _cores(count: int) -> Iterator[None]:
    """Leaves other students their cores; warnings of libraries are on the run, as a worker has no terminal."""
    import torch

    if count:
        torch.set_num_threads(count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
