"""Randomness: every draw comes from a seed of the recipe, so that the same recipe gives the same weights here."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.random import PCG64, Generator


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds the global generators of Python, NumPy and torch, and refuses kernels whose result may vary.

    The generators are put back afterwards, so that a library user's own draws are not disturbed.
    """
    before = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.random.set_rng_state(before[2])
        torch.use_deterministic_algorithms(was_deterministic)


def generator(*seed: int) -> Generator:
    """Returns a generator whose stream NumPy keeps the same across versions and machines."""
    return Generator(PCG64(list(seed)))
