"""One training over several processes: begun with Accelerate's launcher, heard line by line, fetched when it is done.

The work is a function that is named, and what it is given is JSON, so that it can begin anew in processes of their own,
on this machine or on several. This process learns nothing itself; it passes on what the first of them says.
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

from params.models import Architecture
from tasks.core import errors
from tasks.core.checkpoints import current
from tasks.core.progress import Advance
from tasks.models.weights import load_weights
from tasks.training.distributed.worker import FAILURE, JOB, RESULT, SAYS, WEIGHTS
from tasks.training.loop import Fit, OnEpoch
from tasks.training.network import PreparedData, Trained

SOURCE = Path(__file__).parents[3]
"""where `tasks` is imported from: the processes are to run the same code"""
GRACE_SECONDS = 10
LAST_LINES = 10


def spread(
    work: str,
    given: Mapping[str, Any],
    processes: int,
    architecture: Architecture,
    data: PreparedData,
    advance: Advance,
    on_epoch: OnEpoch,
) -> tuple[Trained, tuple[str, ...]]:
    """Returns the network that `work` trains in several processes, and its warnings.

    Args:
        work: `module:function`; it is called in each process with (given, advance, on_epoch).
        given: JSON.
        processes: how many.
        architecture: of the network that comes back.
        data: what it learns from.
        advance: told how far it is.
        on_epoch: given the metrics of each epoch.

    Raises:
        StillhouseError: what went wrong in the processes.
    """
    with tempfile.TemporaryDirectory(prefix="training-") as name:
        folder, kept = Path(name), current()
        job = {"work": work, "given": given, "checkpoints": str(kept.folder.resolve()) if kept else None}
        (folder / JOB).write_text(json.dumps(job))
        code, last = _launch(folder, processes, advance, on_epoch)
        if code or not (folder / RESULT).is_file():
            raise _failure(folder, last)
        result = json.loads((folder / RESULT).read_text())
        network = data.network(architecture)
        load_weights(network, folder / WEIGHTS)
    fit = Fit(result["best_epoch"], tuple(result["history"]))
    return Trained(network.eval(), fit), tuple(result["warnings"])


def command(folder: Path, processes: int) -> list[str]:
    """Returns what begins the processes on this machine.

    What Accelerate calls multi-GPU is its launcher of several processes, with or without GPUs: with `--cpu` it would
    begin a single one.
    """
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes)]
    quiet = ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    return [*launcher, *quiet, "-m", "tasks.training.distributed.worker", str(folder)]


def _launch(folder: Path, processes: int, advance: Advance, on_epoch: OnEpoch) -> tuple[int, list[str]]:
    """Returns how the processes ended, and the last lines that were meant for nobody."""
    last: list[str] = []
    with _begun(folder, processes) as launcher:
        assert launcher.stdout is not None
        for line in launcher.stdout:
            if line.startswith(SAYS):
                _pass_on(json.loads(line.removeprefix(SAYS)), advance, on_epoch)
            else:
                last = [*last, line.rstrip()][-LAST_LINES:]
        return launcher.wait(), last


@contextmanager
def _begun(folder: Path, processes: int) -> "Iterator[subprocess.Popen[str]]":
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


def _pass_on(said: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch) -> None:
    if "epoch" in said:
        on_epoch(said["epoch"], said["metrics"])
    else:
        advance(said["done"], said["total"], said["note"])


def _failure(folder: Path, last: list[str]) -> errors.StillhouseError:
    """Returns what one of the processes said that went wrong, or how their output ended."""
    for path in sorted(folder.glob(f"{FAILURE}*")):
        said = json.loads(path.read_text())
        kind = getattr(errors, said["kind"], errors.StageError)
        return kind([said["message"]]) if kind is errors.RecipeError else kind(said["message"])
    return errors.StageError("\n".join(["training: expected its processes to end well, got no word of why:", *last]))
