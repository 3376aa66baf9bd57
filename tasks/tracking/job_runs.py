"""Runs of jobs, sent to a data catalogue as OpenLineage events: when one begins, and how it ends.

A thread of its own sends the events, so that a catalogue that is slow or gone costs one warning and, at the end of a
flow, a few seconds at most. Only that thread imports OpenLineage (`openlineage.py`).
"""

import queue
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from tasks.core.progress import Warned, say
from tasks.tracking import spans
from tasks.tracking.datasets import read_from
from tasks.tracking.job_events import JobEvent, JobRun, Sink, State

PATIENCE_SECONDS = 5.0
"""that the end of a flow waits for events that were not sent yet"""
_current: ContextVar[JobRun | None] = ContextVar("job_run", default=None)


@contextmanager
def job_run(product: str, verb: str, given: object = (), run_id: object = None) -> Iterator[JobRun]:
    """Tells of a run of the job `<product>.<verb>`, which is the parent of all that is told of inside.

    Args:
        product: the name of the recipe.
        verb: what is done.
        given: the record that it reads, or a tuple of them.
        run_id: a UUID; None for a new one.
    """
    parent = _current.get()
    run = JobRun(product, f"{product}.{verb}", str(run_id or uuid.uuid4()), parent, tuple(read_from(product, given)))
    token = _current.set(run)
    try:
        with spans.span(verb, lambda: {"stillhouse.recipe": product, "stillhouse.run": run.id}), _told(run):
            yield run
    finally:
        _current.reset(token)
        if parent is None:
            _sender().wait(PATIENCE_SECONDS)


@contextmanager
def within(product: str, verb: str, run_id: str) -> Iterator[None]:
    """Lets the stages of the block be parts of a run of `<product>.<verb>` that another process tells of."""
    token = _current.set(JobRun(product, f"{product}.{verb}", run_id, None, ()))
    try:
        yield
    finally:
        _current.reset(token)
        _sender().wait(PATIENCE_SECONDS)


def recipe() -> str:
    """Returns the name of the recipe that runs; empty outside of a run."""
    run = _current.get()
    return run.product if run else ""


@contextmanager
def stage_run(stage: str, given: object) -> Iterator[JobRun]:
    """Sends the events of a stage of the current run; sends none outside of a run."""
    parent = _current.get()
    if parent is None:
        yield JobRun("", stage, "", None, ())
        return
    given_to_it = tuple(read_from(parent.product, given))
    run = JobRun(parent.product, f"{parent.job}.{stage}", str(uuid.uuid4()), parent, given_to_it)
    with _told(run):
        yield run


@contextmanager
def _told(run: JobRun) -> Iterator[None]:
    _tell("START", run)
    try:
        yield
    except BaseException as error:
        # Ctrl-C and signals are no failure of the job.
        _tell("FAIL" if isinstance(error, Exception) else "ABORT", run, f"{type(error).__name__}: {error}")
        raise
    _tell("COMPLETE", run)


def _tell(state: State, run: JobRun, error: str = "") -> None:
    _sender().put(JobEvent(state, datetime.now(UTC), replace(run), error))


class _Sender:
    """Takes events at once and sends them in order from a thread of its own."""

    def __init__(self) -> None:
        self._work: queue.Queue[Callable[[], object]] = queue.Queue()
        self._sinks: list[Callable[[], Sink]] = [cache(_configured), cache(_file)]
        threading.Thread(target=self._go_on, name="openlineage", daemon=True).start()

    def put(self, event: JobEvent) -> None:
        """Returns at once."""
        self._work.put(lambda: self._send(event))

    def wait(self, seconds: float) -> None:
        """Returns when all is sent, or when that took too long: what is left is given up then."""
        sent = threading.Event()
        self._work.put(sent.set)
        if self._sinks and not sent.wait(seconds):
            self._sinks = []
            _warn(f"expected all events to be taken within {seconds:g} s, got no answer; the rest is given up")

    def _go_on(self) -> None:
        while True:
            self._work.get()()

    def _send(self, event: JobEvent) -> None:
        while self._sinks:
            sink = self._sinks[0]
            try:
                sink()(event)
            except Exception as error:
                self._go_without(sink, error)
            else:
                return

    def _go_without(self, sink: Callable[[], Sink], error: Exception) -> None:
        if self._sinks:  # else the flow waited too long meanwhile, and has warned
            self._sinks.remove(sink)
            left = "this run's go to the file in the state folder" if self._sinks else "this run sends none"
            _warn(f"expected to send an event, got {type(error).__name__}: {error}; {left}")


@cache
def _sender() -> _Sender:
    return _Sender()


def _configured() -> Sink:
    from tasks.tracking.openlineage import configured_sink

    return configured_sink()


def _file() -> Sink:
    from tasks.tracking.openlineage import file_sink

    return file_sink()


def _warn(said: str) -> None:
    say(Warned(f"OpenLineage: {' '.join(said.split())}"))
