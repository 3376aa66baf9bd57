"""How long one prediction takes, model beside model, so that a busy moment of the machine strikes them all alike."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.runtime.session import Session


def measure(
    sessions: Mapping[str, Session],
    inputs: NDArray[Any],
    lengths: NDArray[np.int64] | None,
    warmup: int,
    repeats: int,
) -> dict[str, NDArray[np.float64]]:
    """Returns per model the milliseconds (repeats,) of `predict` on the same arrays.

    Every round times each model once, and begins with another one, so that no model always runs on another's cache.
    """
    names = list(sessions)
    for session in sessions.values():
        for _ in range(warmup):
            session.predict(inputs, lengths)
    nanoseconds = {name: np.empty(repeats, np.int64) for name in names}
    with _no_garbage_collection():
        for turn in range(repeats):
            for place in range(len(names)):
                name = names[(turn + place) % len(names)]
                started = perf_counter_ns()
                sessions[name].predict(inputs, lengths)
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
