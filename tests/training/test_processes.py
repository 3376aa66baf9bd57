"""One training over two processes, begun by Accelerate's launcher, with gloo between them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from params.student import Student
from params.training import Training
from tasks.core.checkpoints import resumable
from tasks.core.errors import DataError, StageError
from tasks.core.progress import silent
from tasks.distill.baseline import train_alone
from tasks.training.batches import Share, shuffled_batches, steps_per_epoch
from tasks.training.checkpoints.train_state import EpochMetrics
from tasks.training.distributed.launch import launch_distributed
from tasks.training.network import PreparedData, Trained
from tests.training.distributed_work import LINEAR, alone
from tests.training.killed_training import came_out

CPU = torch.device("cpu")
BUDGET = {"epochs": 2, "batch_size": 64, "learning_rate": 0.05, "optimizer": "sgd"}


def student(architecture: Any = LINEAR, **training: Any) -> Student:
    return Student.model_validate({"architecture": architecture, "training": {**BUDGET, **training}})


def both(what: Student, data: PreparedData, **more: Any) -> tuple[Trained, list[EpochMetrics]]:
    """Trains in two processes; returns what came of it, and what was heard of each epoch."""
    heard: list[EpochMetrics] = []
    given = {"student": what.model_dump(mode="json"), "folder": str(data.directory), **more}
    network = data.network(what.architecture)
    trained, warnings = launch_distributed(
        alone, given, 2, network, silent, lambda _epoch, metrics: heard.append(metrics)
    )
    assert warnings == ("0",), "the first of them speaks"
    return trained, heard


def one(what: Student, data: PreparedData) -> tuple[Trained, list[EpochMetrics]]:
    heard: list[EpochMetrics] = []
    return train_alone(what, data, 3, silent, lambda _epoch, metrics: heard.append(metrics)), heard


def require_equal(ours: tuple[Trained, list[EpochMetrics]], theirs: tuple[Trained, list[EpochMetrics]]) -> None:
    mine, others = (trained.network.state_dict() for trained, _ in (ours, theirs))
    for name, value in mine.items():
        torch.testing.assert_close(value, others[name], atol=1e-5, rtol=1e-5)
    for one_, other in zip(ours[1], theirs[1], strict=True):
        for name in ("train_loss", "validation_loss", "validation_accuracy", "learning_rate"):
            assert one_[name] == pytest.approx(other[name], abs=1e-5)


def test_two_processes_with_half_a_batch_each_learn_what_one_does_with_the_whole(image_data: PreparedData) -> None:
    what = student()
    require_equal(both(what, image_data), one(what, image_data))


@pytest.fixture
def heads_data(tiny_heads: Path) -> PreparedData:
    return PreparedData.open_folder(tiny_heads)


def test_what_the_objective_learns_is_shared_as_well_as_the_network(heads_data: PreparedData) -> None:
    what = student(heads="learned", gradient_clip=1.0, optimizer="adamw", augment={"steps": [{"kind": "flip"}]})
    require_equal(both(what, heads_data), one(what, heads_data))


@pytest.mark.slow
def test_a_network_with_batch_norm_becomes_as_accurate(image_data: PreparedData) -> None:
    what = student({"kind": "cnn", "channels": [8, 8]}, epochs=8, batch_size=16, optimizer="adamw", learning_rate=0.02)
    (ours, _), (theirs, _) = both(what, image_data), one(what, image_data)
    assert ours.fit.best["validation_accuracy"] > 0.8
    assert abs(ours.fit.best["validation_accuracy"] - theirs.fit.best["validation_accuracy"]) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["0", "1"])
def test_a_process_that_ends_in_the_midst_fails_the_training_which_then_goes_on_to_the_same_bits(
    image_data: PreparedData, tmp_path: Path, victim: str
) -> None:
    what = student(epochs=4, batch_size=32)
    expected, _ = both(what, image_data)
    more = {"victim": victim, "steps": 6, "marker": str(tmp_path / "ended")}
    with pytest.raises(StageError, match="expected its processes to end well"), resumable(tmp_path / "kept"):
        both(what, image_data, **more)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["1.safetensors"]
    with resumable(tmp_path / "kept"):
        got, heard = both(what, image_data, **more)
    assert came_out(got) == came_out(expected)
    assert len(heard) == 4
    assert not (tmp_path / "kept").exists()


@pytest.mark.slow
def test_what_is_wrong_is_said_as_one_process_says_it(image_data: PreparedData) -> None:
    init = {"kind": "checkpoint", "weights": "nowhere.safetensors"}
    what = Student.model_validate(student().model_dump(mode="json") | {"init": init})
    with pytest.raises(DataError, match=r"nowhere.safetensors"):
        both(what, image_data)


def test_processes_end_with_whoever_began_them(image_data: PreparedData) -> None:
    long = student(epochs=100_000).model_dump_json()
    code = f"""
from pathlib import Path
from params.student import Student
from tasks.training.network import PreparedData
from tests.training.test_processes import both
what = Student.model_validate_json({long!r}, strict=False)
from tasks.training.distributed.launch import launch_distributed
from tests.training.distributed_work import alone
given = {{"student": what.model_dump(mode="json"), "folder": {str(image_data.directory)!r}}}
data = PreparedData.open_folder(Path({str(image_data.directory)!r}))
launch_distributed(alone, given, 2, data.network(what.architecture), lambda d, t, n: print(d, flush=True),
                   lambda e, m: None)
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    parent = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert [parent.stdout.readline() for _ in range(2)] == ["0\n", "1\n"]
    begun = psutil.Process(parent.pid).children(recursive=True)
    assert len(begun) >= 3, "the launcher and two processes"
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs(begun, timeout=30)
    assert alive == []


@pytest.mark.parametrize(
    ("samples", "size"), [(120, 64), (120, 32), (121, 12), (122, 24), (123, 40), (5, 64), (64, 64)]
)
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_shares_are_equal_and_make_up_each_batch(samples: int, size: int, processes: int) -> None:
    rows = np.arange(samples)[::-1].copy()
    shares = [Share(place, processes) for place in range(processes)]
    parts = [share.rows(rows, size) for share in shares]
    usable = shares[0].usable(samples, size)
    assert {len(part) for part in parts} == {usable // processes}
    assert samples - usable < 2 * processes
    for start in range(0, usable, size):
        batch = rows[start : min(start + size, usable)]
        share = len(batch) // processes
        begin = start // processes
        np.testing.assert_array_equal(np.concatenate([part[begin : begin + share] for part in parts]), batch)
    assert steps_per_epoch(samples, size, shares[0]) == -(-usable // size)


def test_steps_are_as_many_as_batches_in_every_process(image_data: PreparedData) -> None:
    split = image_data.splits.train
    for size in (16, 32, 50, 118):
        for share in (Share(0, 2), Share(1, 2)):
            batches = [*shuffled_batches(split, size, 0, 1, CPU, share=share)]
            assert len(batches) == steps_per_epoch(len(split), size, share)
            assert all(len(batch) > 1 for batch in batches)


@pytest.mark.parametrize("size", [2, 3, 63])
def test_a_batch_that_cannot_be_shared_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="give a multiple of 2"):
        Student.model_validate(
            {"architecture": LINEAR, "training": Training(epochs=1, batch_size=size).model_dump(), "processes": 2}
        )
