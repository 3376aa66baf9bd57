from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.deferral import Kept, redrawn, row_of, splits
from tests.evaluate.test_defer import drawn

PROMISED, RISK, SPLITS = 0.95, 0.1, 100


def test_fewer_right_answers_than_promised_break_it_and_no_answer_does_not() -> None:
    assert Kept(0.94, 0.5).breaks(PROMISED)
    assert not Kept(0.95, 0.5).breaks(PROMISED)
    assert not Kept(None, 0.0).breaks(PROMISED)


@pytest.mark.parametrize("judged", [splits, redrawn])
def test_a_promise_is_broken_as_often_as_its_risk_allows(judged: Callable[..., Iterator[Kept]]) -> None:
    sure, right = drawn(2_000, np.random.default_rng(0))
    most = int(binom.ppf(0.99, SPLITS, RISK))

    def broken(risk: float) -> int:
        return sum(one.breaks(PROMISED) for one in judged(sure, right, PROMISED, risk, SPLITS))

    assert broken(RISK) <= most < broken(0.9)


def test_a_split_is_judged_by_samples_that_found_nothing_and_each_is_another() -> None:
    sure = np.linspace(0.5, 1, 1_000)
    halves = [one.coverage for one in splits(sure, np.ones(1_000, bool), 0.99, RISK, 5)]
    assert halves == [1.0] * 5  # of one that is always right, all is taken
    mixed = sure > 0.8
    kept = list(splits(sure, mixed, PROMISED, RISK, 5))
    assert len({one.coverage for one in kept}) > 1
    assert all(0.3 < one.coverage < 0.5 for one in kept)


def test_a_row_says_how_often_and_of_how_many_samples() -> None:
    row = row_of("`x`", np.linspace(0, 1, 100), np.zeros(100, bool), 0.99, 4)
    assert row == "| `x` | 0.0% | 99% | 10% | 0 (0.0%) | 0 (0.0%) | 0.0% (0.0% to 0.0%) |"
