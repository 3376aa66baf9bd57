"""A training in a process of its own, beside another one in this process."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from flows.side_by_side import beside
from params.student import Student
from tasks.core.errors import DataError, StageError
from tasks.core.progress import Advance, silent
from tasks.distill.baseline import train_alone
from tasks.models.weights import read_weights, save_weights
from tasks.training.distributed.launch import end_launched, launch_apart
from tasks.training.distributed.threads import others_train
from tasks.training.loop import OnEpoch
from tasks.training.network import PreparedData, Trained

STUDENT = Student.model_validate(
    {"architecture": {"kind": "cnn", "channels": [8, 8]}, "training": {"epochs": 3, "batch_size": 32}}
)


def work(given: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch) -> tuple[Trained, tuple[str, ...]]:
    """Trains as the recipe says, or does not come to an end, or fails."""
    if given.get("endless"):
        time.sleep(600)
    if given.get("wrong"):
        raise DataError("what is wrong")
    student, data = Student.model_validate(given["student"]), PreparedData.open_folder(Path(given["folder"]))
    return train_alone(student, data, 3, advance, on_epoch), ()


def given(data: PreparedData, **more: Any) -> dict[str, Any]:
    return {"student": STUDENT, "folder": str(data.directory), **more}


def test_it_comes_out_bit_by_bit_as_in_this_process_and_this_one_draws_no_random_number(
    image_data: PreparedData, tmp_path: Path
) -> None:
    heard: list[float] = []
    drawn = torch.get_rng_state()
    path = tmp_path / "apart.safetensors"
    fit = launch_apart(work, given(image_data), path, silent, lambda _, metrics: heard.append(metrics["train_loss"]))
    assert torch.equal(drawn, torch.get_rng_state())
    here = train_alone(STUDENT, image_data, 3, silent, lambda _epoch, _metrics: None)
    save_weights(here.network, tmp_path / "here.safetensors")
    assert path.read_bytes() == (tmp_path / "here.safetensors").read_bytes()
    assert fit.best_epoch == here.fit.best_epoch
    assert heard == [metrics["train_loss"] for metrics in here.fit.history]
    assert read_weights(path)


def test_what_is_wrong_there_is_raised_here(image_data: PreparedData, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="what is wrong"):
        launch_apart(work, given(image_data, wrong=True), tmp_path / "w", silent, lambda _epoch, _metrics: None)


def test_a_training_that_nothing_asks_for_any_more_is_ended(image_data: PreparedData, tmp_path: Path) -> None:
    threading.Timer(3, end_launched).start()
    started = time.monotonic()
    with pytest.raises(StageError, match="got no word of why"):
        launch_apart(work, given(image_data, endless=True), tmp_path / "w", silent, lambda _epoch, _metrics: None)
    assert time.monotonic() - started < 60


def test_both_are_done_at_once_or_one_after_the_other() -> None:
    there = threading.Event()
    with beside(lambda: (there.wait(20), others_train()), at_once=True) as apart:
        there.set()
        assert others_train()
    assert apart() == (True, True)
    assert not others_train()
    with beside(lambda: others_train(), at_once=False) as before:
        assert not others_train()
    assert before() is False


def test_an_error_of_the_one_apart_is_raised_where_its_result_is_asked_for() -> None:
    def fails() -> None:
        raise DataError("what is wrong")

    with beside(fails, at_once=True) as apart:
        pass
    with pytest.raises(DataError, match="what is wrong"):
        apart()
