"""How many threads a training computes with: one, where a step is too small to be shared."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import torch
from torch import Tensor, nn

from tasks.kinds.contract import Arrays
from tasks.training.arrays import SplitArrays

SHARED_STEP = 250e6
"""multiplications of one forward pass of a batch below which a step is not shared.

Threads that share a step wait for each other at every operation: what that costs does not fall with the step. A rule of
the network's size alone, and not of the machine, since sums of several threads are rounded otherwise."""
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_sharers: ContextVar[int] = ContextVar("sharers", default=1)


@contextmanager
def sharing(trainings: int) -> Iterator[None]:
    """Lets each training in the block take its share of the cores: so many of them go on at once."""
    token = _sharers.set(trainings)
    try:
        yield
    finally:
        _sharers.reset(token)


def others_train() -> bool:
    """Returns whether another training goes on beside this one."""
    return _sharers.get() > 1


def share_of_cores() -> int:
    """Returns how many cores a training may take."""
    return max(1, len(os.sched_getaffinity(0)) // _sharers.get())


@contextmanager
def own_threads(network: nn.Module, samples: SplitArrays, batch_size: int) -> Iterator[None]:
    """Lets a training in the block compute with one thread where its step is small, else with its share."""
    before = torch.get_num_threads()
    first = samples.gather(np.zeros(1, np.int64)).inputs
    small = multiplications(network, first) * batch_size < SHARED_STEP
    torch.set_num_threads(1 if small else min(before, share_of_cores()))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def multiplications(network: nn.Module, first: Arrays) -> int:
    """Returns about how many multiplications an answer takes: weights, times the places they are used at.

    It asks the network about one sample, whose inputs are given by name; its state and the generators of random numbers
    stay as they are.
    """
    counted: list[int] = []

    def count(module: nn.Module, _inputs: object, output: object) -> None:
        values = output[0] if isinstance(output, tuple) else output
        weights = sum(weight.numel() for weight in module.parameters(recurse=False))
        if isinstance(values, Tensor) and weights:
            channels = values.shape[1] if isinstance(module, CONVOLUTIONS) else values.shape[-1]
            counted.append(weights * max(1, values.numel() // max(1, channels)))

    device = next((weight.device for weight in network.parameters()), torch.device("cpu"))
    hooks = [module.register_forward_hook(count) for module in network.modules()]
    training = network.training
    try:
        network.eval()({name: torch.from_numpy(values).to(device) for name, values in first.items()})
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return sum(counted)
