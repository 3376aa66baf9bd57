"""What each process of a training over several does.

It is started by `accelerate launch ... -m tasks.training.distributed.worker FOLDER`. All of them do the same work; the
first alone sends messages of how far it is, and writes the result.
"""

import importlib
import json
import os
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch.distributed
from accelerate import Accelerator

from tasks.core.checkpoints import going_on
from tasks.core.errors import StillhouseError
from tasks.core.progress import Advance, silent
from tasks.models.weights import save_weights
from tasks.training.loop import OnEpoch
from tasks.training.network import Trained

JOB, RESULT, WEIGHTS, FAILURE = "job.json", "result.json", "model.safetensors", "failure-"
MESSAGE = "stillhouse: "
"""how a line begins that is meant for the process that started this one"""


class Work(Protocol):
    """A function of a module that trains a network; `given` is JSON."""

    __module__: str
    __name__: str

    def __call__(
        self, given: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch, /
    ) -> tuple[Trained, tuple[str, ...]]:
        """Returns the network and its warnings."""


def main(folder: Path) -> None:
    """Does the work of a folder's job."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    state = Accelerator()  # and not its state alone, which would not look whether there are GPUs to use
    job = json.loads((folder / JOB).read_text())
    try:
        with going_on(Path(job["checkpoints"]) if job["checkpoints"] else None):
            trained, warnings = _work(job["work"])(job["given"], *_listeners(first=state.is_main_process))
    except StillhouseError as error:
        failure = {"kind": type(error).__name__, "message": str(error)}
        (folder / f"{FAILURE}{state.process_index}.json").write_text(json.dumps(failure))
        traceback.print_exc()
        os._exit(error.exit_code)  # the others wait for this one, and are ended by the launcher
    if state.is_main_process:
        _write_result(folder, trained, warnings)
    state.wait_for_everyone()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _work(name: str) -> Work:
    module, _, function = name.partition(":")
    work: Work = getattr(importlib.import_module(module), function)
    return work


def _listeners(*, first: bool) -> tuple[Advance, OnEpoch]:
    if not first:
        return silent, lambda _epoch, _metrics: None
    return (
        lambda done, total, note: _send({"done": done, "total": total, "note": note}),
        lambda epoch, metrics: _send({"epoch": epoch, "metrics": metrics}),
    )


def _send(message: Mapping[str, Any]) -> None:
    sys.stdout.write(f"{MESSAGE}{json.dumps(message)}\n")
    sys.stdout.flush()


def _write_result(folder: Path, trained: Trained, warnings: tuple[str, ...]) -> None:
    save_weights(trained.network, folder / WEIGHTS)
    fit = {"best_epoch": trained.fit.best_epoch, "history": trained.fit.history}
    (folder / RESULT).write_text(json.dumps(fit | {"warnings": warnings}))


def _end_with_parent() -> None:
    """Ends this process when its parent has ended: the parent writes nothing to stdin, so it can only close."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
