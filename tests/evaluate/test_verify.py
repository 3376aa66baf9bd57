from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from params.evaluate import Evaluate, Verify
from tasks.contracts.metrics import Interval
from tasks.contracts.thresholds import Verification
from tasks.contracts.words import verification_in_words
from tasks.core.errors import RecipeError
from tasks.evaluate.intervals import resample
from tasks.evaluate.thresholds.verify import FALSE, TRUE, accepts, fewest_impostors, threshold_at
from tasks.kinds.contract import ScoredPairs
from tasks.kinds.recipes import load_recipe

PARAMS = Evaluate(resamples=400)


@pytest.mark.parametrize("far", [0.1, 0.01, 0.001])
def test_a_threshold_keeps_the_rate_and_would_not_where_it_were_lower(far: float) -> None:
    scores = np.random.default_rng(0).normal(0.2, 0.15, 5_000).astype(np.float32).astype(np.float64)
    threshold = threshold_at(scores, far)
    assert threshold is not None
    assert (scores >= threshold).sum() == round(far * 5_000)
    assert (scores >= np.nextafter(np.float32(threshold), np.float32(-2))).sum() > round(far * 5_000)


def test_equal_scores_are_all_refused_where_one_too_many_has_them() -> None:
    assert threshold_at(np.full(1_000, 0.5), 0.01) > 0.5  # type: ignore[operator]


def test_a_threshold_is_never_below_a_right_angle() -> None:
    assert threshold_at(np.full(1_000, -0.5), 0.01) == 0


def test_too_few_pairs_show_no_rate() -> None:
    assert fewest_impostors(0.001) == 1_000
    assert threshold_at(np.linspace(0, 1, 999), 0.001) is None
    assert threshold_at(np.linspace(0, 1, 1_000), 0.001) is not None


def test_rates_are_those_of_the_pairs_and_their_intervals_resample_units() -> None:
    """Of one unit all pairs are right, of the other none: over pairs an interval would be narrow."""
    score = np.repeat([0.9, 0.1, 0.2], 500)
    pairs = ScoredPairs(score, np.repeat([True, True, False], 500), np.repeat([[0, 0], [1, 1], [0, 1]], 500, axis=0))
    found = accepts(pairs, 0.5, PARAMS)
    assert found[TRUE].value == 0.5
    assert (found[TRUE].low, found[TRUE].high) == (0, 1)
    assert found[FALSE].value == 0
    assert found[FALSE].high > 0.3  # Wilson's, of two units and not of 500 pairs


def test_a_unit_drawn_twice_is_two_that_are_not_compared() -> None:
    pairs = ScoredPairs(np.zeros(2), np.array([True, False]), np.array([[0, 0], [0, 1]]))
    np.testing.assert_array_equal(pairs.weights(np.array([[2, 3], [0, 2], [1, 1]])), [[2, 6], [0, 0], [1, 1]])


def test_samples_of_a_unit_are_drawn_together() -> None:
    seen: list[NDArray[np.int64]] = []

    def tally(counts: NDArray[np.int64]) -> Mapping[str, NDArray[np.float64]]:
        seen.append(counts)
        return {"part": counts[:, 0] / counts.sum(axis=1)}

    units = np.array([0, 0, 1, 2, 2])
    resample({"one": tally}, 5, PARAMS, 0, units)
    drawn = seen[0]
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    np.testing.assert_array_equal(drawn[:, 3], drawn[:, 4])
    assert (drawn[:, 0] != drawn[:, 2]).any()
    assert (drawn[:, [0, 2, 3]].sum(axis=1) == 3).all()  # as many units as there are


def test_words_say_what_is_missing() -> None:
    found = Verification(far=0.001, threshold=None, impostors=300, needed=1_000, true_accepts=None, false_accepts=None)
    assert verification_in_words(found).startswith("verifies nothing: 300 pairs of validation samples")


def test_words_say_what_a_threshold_accepts() -> None:
    true, false = Interval(value=0.8, low=0.75, high=0.85), Interval(value=0.01, low=0.004, high=0.02)
    found = Verification(far=0.01, threshold=0.5, impostors=900, needed=100, true_accepts=true, false_accepts=false)
    assert verification_in_words(found) == (
        "accepts 80.0 % (75.0 to 85.0) of the pairs that are the same, and 1.00 % (0.40 to 2.00) of those that are not,"
        " from cosine 0.500 on; threshold of a false accept rate of 1.00 % on validation data"
    )


def test_a_kind_whose_answers_are_not_compared_is_refused_before_anything_runs() -> None:
    assert Evaluate(verify=Verify()).verify == Verify(far=0.001)
    with pytest.raises(RecipeError, match=r"`evaluate\.verify`: expected a kind of task whose answers are embeddings"):
        load_recipe(Path("params/digits.yaml"), ["evaluate.verify={far: 0.01}"])
