"""One training over several processes: started with Accelerate's launcher, followed line by line, read when it is done.

The work is a function of a module, and what it is given is JSON, so that processes of their own can do it, on this
machine or on several. This process trains nothing itself; it passes on the messages of the first of them.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from pydantic_core import to_json

from tasks.core import errors
from tasks.core.checkpoints import current
from tasks.core.progress import Advance
from tasks.models.build import Network
from tasks.models.weights import load_weights
from tasks.training.distributed.worker import FAILURE, JOB, MESSAGE, RESULT, WEIGHTS, Work
from tasks.training.loop import Fit, OnEpoch
from tasks.training.network import Trained

SOURCE = Path(__file__).parents[3]
"""where `tasks` is imported from: the processes are to run the same code"""
GRACE_SECONDS = 10
LAST_LINES = 10


def launch_distributed(
    work: Work, given: Mapping[str, Any], processes: int, network: Network, advance: Advance, on_epoch: OnEpoch
) -> tuple[Trained, tuple[str, ...]]:
    """Returns what `work` trains in several processes, and its warnings.

    Args:
        work: a function of a module; each process calls it with (given, advance, on_epoch).
        given: plain values, sections of the recipe and records; `work` gets them as JSON.
        processes: how many.
        network: takes the weights that come back.
        advance: told how far it is.
        on_epoch: given the metrics of each epoch.

    Raises:
        StillhouseError: what went wrong in the processes.
    """
    with tempfile.TemporaryDirectory(prefix="training-") as name:
        folder, checkpoints = Path(name), current()
        place = str(checkpoints.folder.resolve()) if checkpoints else None
        job = {"work": f"{work.__module__}:{work.__name__}", "given": given, "checkpoints": place}
        (folder / JOB).write_bytes(to_json(job))
        code, last = _launch(folder, processes, advance, on_epoch)
        if code or not (folder / RESULT).is_file():
            raise _failure(folder, last)
        result = json.loads((folder / RESULT).read_text())
        load_weights(network, folder / WEIGHTS)
    fit = Fit(result["best_epoch"], tuple(result["history"]))
    return Trained(network.eval(), fit), tuple(result["warnings"])


def command(folder: Path, processes: int) -> list[str]:
    """Returns what starts the processes on this machine.

    What Accelerate calls multi-GPU is its launcher of several processes, with or without GPUs: with `--cpu` it would
    start a single one.
    """
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes)]
    quiet = ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    return [*launcher, *quiet, "-m", "tasks.training.distributed.worker", str(folder)]


def _launch(folder: Path, processes: int, advance: Advance, on_epoch: OnEpoch) -> tuple[int, list[str]]:
    """Returns the exit code, and the last lines that are no messages."""
    last: list[str] = []
    with _started(folder, processes) as launcher:
        assert launcher.stdout is not None
        for line in launcher.stdout:
            if line.startswith(MESSAGE):
                _pass_on(json.loads(line.removeprefix(MESSAGE)), advance, on_epoch)
            else:
                last = [*last, line.rstrip()][-LAST_LINES:]
        return launcher.wait(), last


@contextmanager
def _started(folder: Path, processes: int) -> "Iterator[subprocess.Popen[str]]":
    """Yields the launcher; it and its processes end at once when this one does, since their stdin closes then."""
    launcher = subprocess.Popen(
        command(folder, processes),
        env=os.environ | _environment(processes),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield launcher
    finally:
        assert launcher.stdin is not None
        launcher.stdin.close()
        try:
            launcher.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            launcher.kill()
            launcher.wait()


def _environment(processes: int) -> dict[str, str]:
    """Returns what the processes must know: our code, their part of the cores, and whether there is a GPU for each."""
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH", "")]))
    cores = max(1, len(os.sched_getaffinity(0)) // processes)
    on_cpu = torch.cuda.device_count() < processes
    return {"PYTHONPATH": path, "OMP_NUM_THREADS": str(cores), "ACCELERATE_USE_CPU": str(on_cpu).lower()}


def _pass_on(message: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch) -> None:
    if "epoch" in message:
        on_epoch(message["epoch"], message["metrics"])
    else:
        advance(message["done"], message["total"], message["note"])


def _failure(folder: Path, last: list[str]) -> errors.StillhouseError:
    """Returns the error that one of the processes wrote down, or how their output ended."""
    for path in sorted(folder.glob(f"{FAILURE}*")):
        failure = json.loads(path.read_text())
        kind = getattr(errors, failure["kind"], errors.StageError)
        return kind([failure["message"]]) if kind is errors.RecipeError else kind(failure["message"])
    return errors.StageError("\n".join(["training: expected its processes to end well, got no word of why:", *last]))
