"""The score from which on answers are told, so that a limit is kept."""

from pathlib import Path

import numpy as np
import pytest

from tasks.contracts.metrics import Interval, Metric
from tasks.contracts.scores import EvaluationRecord
from tasks.contracts.targets import TargetCard
from tasks.contracts.thresholds import OperatingPoint
from tasks.contracts.words import operating_in_words
from tasks.core.errors import RecipeError
from tasks.evaluate.thresholds.operate import point_on
from tasks.kinds.contract import OperatingCurve
from tasks.kinds.recipes import load_recipe
from tests.evaluate.report.made import evaluation, score

FOUND = Metric("found", "found", threshold="highest")
SURE = Metric("sure", "sure", threshold="lowest")
ALARMS = Metric("alarms", "alarms per day", "lower", high=float("inf"), unit="number", threshold="lowest")
CURVE = OperatingCurve(
    "least",
    "tells answers from a score of {} on",
    np.array([0.1, 0.3, 0.5, 0.7, 0.9]),
    {
        "found": np.array([0.9, 0.8, 0.6, 0.4, 0.0]),
        "sure": np.array([0.2, 0.5, 0.4, 0.8, 0.0]),
        "alarms": np.array([7.0, 4.0, 2.0, 0.5, 0.0]),
    },
)


@pytest.mark.parametrize(
    ("metric", "limit", "threshold", "value"),
    [
        (FOUND, 0.6, 0.5, 0.6),  # found as often as asked for, with the fewest false answers
        (FOUND, 0.7, 0.3, 0.8),
        (SURE, 0.5, 0.3, 0.5),  # as sure as asked for, and the most is found
        (SURE, 0.6, 0.7, 0.8),
        (ALARMS, 2.0, 0.5, 2.0),
        (ALARMS, 1.0, 0.7, 0.5),
        (ALARMS, 0.0, 0.9, 0.0),
    ],
)
def test_of_the_scores_that_keep_a_limit_that_is_taken_which_costs_least_otherwise(
    metric: Metric, limit: float, threshold: float, value: float
) -> None:
    point = point_on(CURVE, metric, limit)
    assert (point.threshold, point.value, point.fact) == (threshold, value, "least")
    card = TargetCard(names=("a",), facts={"least": 0.25, "size": [4, 4]})
    assert point.told(card) == TargetCard(names=("a",), facts={"least": threshold, "size": [4, 4]})


def test_where_no_score_keeps_the_limit_that_of_the_recipe_stays() -> None:
    point = point_on(CURVE, SURE, 0.9)
    assert point.threshold is None
    card = TargetCard(names=("a",), facts={"least": 0.25})
    assert point.told(card) is card


def test_a_release_with_another_score_is_another_release_and_its_card_has_the_score() -> None:
    judged = evaluation()
    point = point_on(CURVE, ALARMS, 2.0)
    first, second = (judged.model_copy(update={"operating": found}) for found in (point, point_on(CURVE, ALARMS, 1.0)))
    assert len({judged.digest, first.digest, second.digest}) == 3
    assert judged.targets == judged.data.targets
    assert first.targets.facts == {**judged.data.targets.facts, "least": 0.5}
    read = EvaluationRecord.model_validate_json(first.model_dump_json())
    assert (read.digest, read.targets) == (first.digest, first.targets)


def test_words_say_what_was_asked_for_and_what_it_comes_to() -> None:
    found = {"found": Interval(value=0.55, low=0.5, high=0.6), "alarms": Interval(value=2.25, low=1.5, high=3.0)}
    told = score("fp32", 0.9, 1, metrics={"deciding": Interval(value=0.9, low=0.8, high=1), **found})
    metrics = (Metric("deciding", "deciding"), FOUND, ALARMS)
    assert operating_in_words(point_on(CURVE, ALARMS, 2.5), metrics, told) == (
        "tells answers from a score of 0.5 on: found 55.00 % (50.00 to 60.00) and alarms per day 2.25 (1.5 to 3);"
        " threshold of alarms per day of at most 2.5, which on validation data is 2"
    )
    nothing = OperatingPoint(metric="found", limit=0.95, fact="least", words=CURVE.words, threshold=None, value=None)
    assert operating_in_words(nothing, metrics, told).startswith(
        "tells answers from a score of the recipe's choice on, as no other keeps found of at least 95.00 %"
    )


@pytest.mark.parametrize(
    ("recipe", "operate", "expected"),
    [
        (
            "digits",
            "{accuracy: 0.9}",
            "`evaluate.operate`: expected a kind of task whose answers depend on a",
        ),
        ("ages", "{mae: 5}", "expected one of `in_interval`, got `mae`"),
        ("blobs", "{ap50: 0.9}", "expected one of `recall`, `precision`, `false_positives`, got `ap50`"),
        ("blobs", "{precision: 1.5}", "`evaluate.operate.precision`: expected a number from 0 to 1, got 1.5"),
        ("blobs", "{false_positives: -1}", "expected a number of at least 0, got -1"),
        ("blobs", "{recall: 0.5, precision: 0.5}", "at most 1 item"),
    ],
)
def test_what_no_score_decides_is_refused_before_anything_runs(recipe: str, operate: str, expected: str) -> None:
    with pytest.raises(RecipeError) as refused:
        load_recipe(Path(f"params/{recipe}.yaml"), [f"evaluate.operate={operate}"])
    (problem,) = refused.value.problems
    assert expected in problem
