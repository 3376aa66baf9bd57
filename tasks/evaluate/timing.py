"""What models cost where they run: latency one beside the other, load time and memory each in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from params.evaluate import Latency
from tasks.contracts.scores import BatchTiming, Footprint
from tasks.core.errors import StageError, mismatch
from tasks.evaluate.model_under_test import ModelUnderTest
from tasks.runtime.bundle import footprint
from tasks.runtime.bundle.latency import Predicts, measure
from tasks.training.arrays import Arrays, SplitArrays

FEWEST = 10
"""repeats of a batch, however large it is"""
PATIENCE_SECONDS = 300
SOURCE = Path(__file__).parents[2]
"""where `tasks` is imported from: the process beside this one is to run the same code"""


@dataclass(frozen=True)
class Timing:
    """Milliseconds (repeats,) of one sample, the median of a batch, and what a process of its own needed, if asked."""

    single: NDArray[np.float64]
    batch: BatchTiming
    footprint: Footprint | None


def time_models(
    params: Latency,
    models: Mapping[str, ModelUnderTest],
    sessions: Mapping[str, Predicts],
    split: SplitArrays,
    threads: int,
    *,
    alone: bool,
) -> dict[str, Timing]:
    """Times all models on the same samples: the first of the split, again from its start where they are too few.

    With `alone` each is also loaded in a process of its own.

    Raises:
        StageError: a model cannot be loaded in a process of its own.
    """
    one, several = (split.gather(np.arange(size) % len(split)) for size in (1, params.batch_size))
    single = measure(sessions, one.inputs, params.warmup, params.repeats)
    repeats = max(FEWEST, params.repeats // params.batch_size)
    batches = measure(sessions, several.inputs, 1, repeats)
    needed = footprints(models, one, threads) if alone else {}
    return {
        name: Timing(
            single[name],
            BatchTiming(batch_size=params.batch_size, p50_ms=float(np.median(batches[name]))),
            needed.get(name),
        )
        for name in models
    }


def footprints(models: Mapping[str, ModelUnderTest], sample: Arrays, threads: int) -> dict[str, Footprint]:
    """Returns what each model costs a process of its own that loads it and answers for a sample.

    Raises:
        StageError: one cannot be loaded.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, "sample.npz")
        np.savez(path, allow_pickle=False, **sample.inputs)
        alone = {name: model.path for name, model in models.items() if model.loads_alone}
        return {name: _footprint(name, model, path, threads) for name, model in alone.items()}


def _footprint(name: str, model: Path, sample: Path, threads: int) -> Footprint:
    command = [sys.executable, "-m", footprint.__name__, str(model.resolve()), str(sample), str(threads)]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        do = "look at the file in MLflow, and at the memory that is free"
        raise StageError(mismatch("evaluate", name, "a model that loads in a process of its own", last, do))
    return Footprint.model_validate(json.loads(done.stdout))
