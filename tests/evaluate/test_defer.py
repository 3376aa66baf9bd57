from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from params.evaluate import Evaluate
from tasks.contracts.words import deferral_in_words
from tasks.core.errors import RecipeError
from tasks.evaluate.thresholds.defer import deferral, fewest, find_threshold
from tasks.kinds.recipes import load_recipe
from tasks.runtime.bundle.session import Session
from tasks.training.network import PreparedData
from tests.evaluate.test_challenge import exported

ACCURACY, RISK, SPLITS = 0.95, 0.1, 200


def drawn(samples: int, draws: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Returns the confidence of answers that are right as often as they say, and whether they are."""
    sure = 1 - draws.beta(0.4, 3, samples) / 2
    return sure, draws.random(samples) < sure


def test_the_accuracy_is_broken_at_most_as_often_as_was_promised() -> None:
    draws = np.random.default_rng(0)
    many, right = drawn(1_000_000, draws)
    broken, coverage = 0, []
    for _ in range(SPLITS):
        threshold = find_threshold(*drawn(600, draws), ACCURACY, RISK)
        taken = many >= (2.0 if threshold is None else threshold)
        coverage.append(taken.mean())
        broken += bool(taken.any() and right[taken].mean() < ACCURACY)
    assert broken <= binom.ppf(0.99, SPLITS, RISK)  # so many would be chance
    assert np.mean(coverage) > 0.5


def test_of_one_that_is_always_right_all_is_taken_and_of_too_few_samples_nothing() -> None:
    sure = np.linspace(0.5, 1, 200)
    assert find_threshold(sure, np.ones(200, bool), ACCURACY, RISK) <= 0.5  # type: ignore[operator]
    few = fewest(ACCURACY, RISK) - 1
    assert find_threshold(sure[:few], np.ones(few, bool), ACCURACY, RISK) is None
    assert find_threshold(sure, np.zeros(200, bool), ACCURACY, RISK) is None


def test_a_file_is_judged_on_test_data_by_the_threshold_of_validation(image_data: PreparedData, tmp_path: Path) -> None:
    _, right = exported(image_data, tmp_path / "new.onnx", 60)
    session = Session((tmp_path / "new.onnx").read_bytes())
    found = deferral(Evaluate(defer={"accuracy": 0.6}, defer_risk=0.2), session, image_data)
    assert found.threshold is not None
    assert 0 < found.coverage.value <= 1
    assert found.kept is not None
    hits = found.kept.value * found.coverage.value * len(right)
    assert round(hits) <= right.sum()
    assert round(hits) >= right.sum() - round((1 - found.coverage.value) * len(right))  # it may leave right ones, too
    assert "by itself" in deferral_in_words(found)
    never = deferral(Evaluate(defer={"accuracy": 0.999}, defer_risk=0.01), session, image_data)
    assert (never.threshold, never.coverage.value, never.kept) == (None, 0, None)
    assert deferral_in_words(never).startswith("defers always: no confidence was shown to keep 99.9 %")
    assert f"{fewest(0.999, 0.01):,} validation samples" in deferral_in_words(never)


def test_deferring_is_off_unless_asked_for() -> None:
    assert Evaluate().defer == {}


def test_a_kind_of_task_whose_answers_have_no_confidence_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.kinds.limits.CONFIDENCE", "something that no answer has")
    with pytest.raises(
        RecipeError, match=r"`evaluate\.defer`: expected a kind of task whose answers have a confidence"
    ):
        load_recipe(Path("params/digits.yaml"), ["evaluate.defer={accuracy: 0.99}"])


@pytest.mark.parametrize(
    ("defer", "expected"),
    [
        ("{macro_f1: 0.9}", r"`evaluate\.defer\.macro_f1`: expected `accuracy`, got `macro_f1`"),
        ("{accuracy: 1.5}", r"`evaluate\.defer\.accuracy`: expected a number above 0\.5 and below 1, got 1\.5"),
    ],
)
def test_another_metric_or_limit_is_refused(defer: str, expected: str) -> None:
    with pytest.raises(RecipeError, match=expected):
        load_recipe(Path("params/digits.yaml"), [f"evaluate.defer={defer}"])
