"""Memory between the steps of a training: kept while it learns, given back behind it."""

import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psutil
import pytest
import torch
from torch import nn

from tasks.training.allocator import freed_memory_kept

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the allocator is glibc's")
VALUES, BYTES = 32 << 20, 128 << 20
WARM_UP = 10


def faults_of_a_step(learns: bool) -> int:
    """Returns how often the kernel had to hand out a page in one step of a small network, once many are done."""
    network = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 8, 3))
    inputs = torch.rand(32, 1, 64, 64)
    before = 0
    for _ in range(WARM_UP):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        with torch.set_grad_enabled(learns):
            loss = network(inputs).sum()
        if learns:
            loss.backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def faults() -> tuple[int, int, int]:
    """Returns them while learning as glibc has it, while learning with memory kept, and when asked behind that."""
    without = faults_of_a_step(learns=True)
    with freed_memory_kept():
        within = faults_of_a_step(learns=True)
    return without, within, faults_of_a_step(learns=False)


def test_steps_find_the_memory_of_those_before_and_predictions_behind_them_do_as_well() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # where glibc has not adapted to anything yet
        without, within, behind = pool.submit(faults).result()
    assert within < without / 10
    assert behind < without / 10


def test_what_is_free_is_given_back_at_the_end() -> None:
    process = psutil.Process()
    with freed_memory_kept():
        torch.ones(VALUES)
        within = process.memory_info().rss
    assert within - process.memory_info().rss > BYTES / 2


def test_it_is_given_back_when_the_training_fails_too() -> None:
    process = psutil.Process()

    @freed_memory_kept()
    def failing() -> None:
        torch.ones(VALUES)
        raise RuntimeError(str(process.memory_info().rss))

    with pytest.raises(RuntimeError) as failure:
        failing()
    assert int(str(failure.value)) - process.memory_info().rss > BYTES / 2
