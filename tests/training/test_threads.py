"""How many threads a training takes, and that a small one comes out alike however many there are."""

import os
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from params.models import Cnn, Recurrent
from params.student import Student
from tasks.core.progress import silent
from tasks.distill.baseline import train_alone
from tasks.kinds.contract import Arrays
from tasks.training.distributed.threads import SHARED_STEP, multiplications, own_threads, share_of_cores, sharing
from tasks.training.network import PreparedData

CORES = len(os.sched_getaffinity(0))


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def first_of(data: PreparedData) -> Arrays:
    return data.splits.validation.gather(np.zeros(1, np.int64)).inputs


def test_multiplications_are_weights_times_the_places_they_are_used_at(image_data: PreparedData) -> None:
    network = image_data.network(Cnn(kind="cnn", channels=(4, 8)))
    channels, height, width = image_data.card.input.shape
    classes = len(image_data.targets.names)
    first = (channels * 9 + 0) * 4 * height * width
    second = 4 * 9 * 8 * (height // 2) * (width // 2)
    found = multiplications(network, first_of(image_data))
    assert first + second + 8 * classes <= found <= 1.5 * (first + second + 8 * classes)


def test_counting_leaves_the_network_and_the_random_numbers_as_they_are(image_data: PreparedData) -> None:
    network = image_data.network(Cnn(kind="cnn", channels=(4,), dropout=0.5)).train()
    before, drawn = {name: value.clone() for name, value in network.state_dict().items()}, torch.get_rng_state()
    multiplications(network, first_of(image_data))
    assert network.training
    assert torch.equal(drawn, torch.get_rng_state())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not any(module._forward_hooks for module in network.modules())


def test_a_recurrent_network_is_counted_frame_by_frame(sequence_data: PreparedData) -> None:
    network = sequence_data.network(Recurrent(kind="gru", hidden=8))
    frames = first_of(sequence_data)["inputs"].shape[1]
    weights = sum(weight.numel() for weight in network.parameters())
    assert multiplications(network, first_of(sequence_data)) > frames * weights / 2


def test_a_step_that_is_too_small_to_be_shared_takes_one_thread_and_a_larger_one_its_share(
    image_data: PreparedData, two_threads: None
) -> None:
    network = image_data.network(Cnn(kind="cnn", channels=(4,)))
    one = multiplications(network, first_of(image_data))
    large = int(SHARED_STEP / one) + 1
    with own_threads(network, image_data.splits.validation, large - 2):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with own_threads(network, image_data.splits.validation, large):
        assert torch.get_num_threads() == min(2, CORES)
    with sharing(2), own_threads(network, image_data.splits.validation, large):
        assert torch.get_num_threads() == min(2, max(1, CORES // 2))
    assert share_of_cores() == CORES


def test_a_small_training_comes_out_alike_bit_by_bit_however_many_threads_there_are(image_data: PreparedData) -> None:
    student = Student.model_validate(
        {"architecture": {"kind": "cnn", "channels": [8, 8]}, "training": {"epochs": 2, "batch_size": 32}}
    )
    came: list[dict[str, torch.Tensor]] = []
    before = torch.get_num_threads()
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        trained = train_alone(student, image_data, 3, silent, lambda _epoch, _metrics: None)
        came.append({**trained.network.state_dict()})
    torch.set_num_threads(before)
    for other in came[1:]:
        assert all(torch.equal(value, other[name]) for name, value in came[0].items())
