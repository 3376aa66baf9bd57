"""Randomness: every draw comes from a seed of the recipe, so that the same recipe gives the same weights here."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.random import PCG64, Generator
from torch import Tensor


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


def generator_states() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Returns the states of the global generators: torch's as tensors, those of Python and NumPy as JSON."""
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    tensors = {"cpu": torch.random.get_rng_state()} | {f"cuda{place}": state for place, state in enumerate(devices)}
    numpy: Any = np.random.get_state(legacy=False)
    words = numpy | {"state": numpy["state"] | {"key": numpy["state"]["key"].tolist()}}
    return tensors, {"python": random.getstate(), "numpy": words}


def restore_generators(tensors: dict[str, Tensor], words: dict[str, Any]) -> None:
    """Puts the global generators back to where they stood when `generator_states` was asked."""
    torch.random.set_rng_state(tensors["cpu"])
    for place in range(torch.cuda.device_count()):
        if f"cuda{place}" in tensors:
            torch.cuda.set_rng_state(tensors[f"cuda{place}"], place)
    version, numbers, gauss = words["python"]
    random.setstate((version, tuple(numbers), gauss))
    np.random.set_state(words["numpy"])


def generator(*seed: int) -> Generator:
    """Returns a generator whose stream NumPy keeps the same across versions and machines."""
    return Generator(PCG64(list(seed)))
