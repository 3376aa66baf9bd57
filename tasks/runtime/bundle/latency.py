"""How long one prediction takes, model beside model, so that a busy moment of the machine strikes them all alike."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter_ns
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .session import Arrays


class Predicts(Protocol):
    """What answers: a session, or something that is asked as one."""

    def predict(self, inputs: Arrays) -> Mapping[str, NDArray[Any]]:
        """Returns the outputs by name, (batch, ...) each."""


def measure(
    sessions: Mapping[str, Predicts],
    inputs: Arrays,
    warmup: int,
    repeats: int,
) -> dict[str, NDArray[np.float64]]:
    """Returns per model the milliseconds (repeats,) of `predict` on the same inputs.

    Every round times each model once, in another order, so that no model always runs on what a large one left in the
    cache.
    """
    names, orders = list(sessions), np.random.default_rng(0)
    for session in sessions.values():
        for _ in range(warmup):
            session.predict(inputs)
    nanoseconds = {name: np.empty(repeats, np.int64) for name in names}
    with _no_garbage_collection():
        for turn in range(repeats):
            for place in orders.permutation(len(names)):
                name = names[place]
                started = perf_counter_ns()
                sessions[name].predict(inputs)
                nanoseconds[name][turn] = perf_counter_ns() - started
    return {name: times / 1e6 for name, times in nanoseconds.items()}


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
