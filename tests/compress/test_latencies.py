"""Latencies that no measurement tells apart are ties."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.compress.latencies import ties, told_apart

ROUNDS = 300


def timed(seed: int, factor: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two files in rounds on a noisy machine: its speed wanders, and now and then something gets in the way."""
    draws = np.random.default_rng(seed)
    speed = 0.05 * np.exp(np.cumsum(draws.normal(0, 0.02, ROUNDS)) / 3)
    noise = np.exp(draws.normal(0, 0.05, (2, ROUNDS))) * np.where(draws.random((2, ROUNDS)) < 0.02, 3, 1)
    one, other = speed * noise
    return one * factor, other


def test_equal_files_are_a_tie_in_each_of_a_hundred_repetitions() -> None:
    assert not any(told_apart(*timed(seed, 1.0)) for seed in range(100))


def test_a_file_that_is_a_fifth_slower_is_told_apart_in_each_of_a_hundred_repetitions() -> None:
    assert all(told_apart(*timed(seed, 1.2)) for seed in range(100))


@pytest.mark.parametrize("factor", [1.02, 1 / 1.02])
def test_a_difference_that_no_product_notices_is_a_tie_however_exact_the_clock(factor: float) -> None:
    exact = np.full(ROUNDS, 0.05)
    assert not told_apart(exact * factor, exact)
    assert told_apart(exact * factor**3, exact)


def test_ties_are_named_from_both_sides() -> None:
    one, other = timed(0, 1.0)
    assert ties({"a": one, "b": other, "c": other * 2}) == {"a": ("b",), "b": ("a",), "c": ()}
