from math import inf
from typing import Any

import pytest

from tasks.contracts.metrics import Check, Interval, Metric
from tasks.contracts.releases import Approval, Verdict
from tasks.contracts.scores import Heading
from tasks.contracts.words import (
    apart,
    cell_in_words,
    check_text,
    gain_in_words,
    milliseconds,
    odds_in_words,
    percent,
    refusal_lines,
    times,
    with_ends,
)
from tests.evaluate.report.made import discordant

ACCURACY = Metric("accuracy", "accuracy")
ERROR = Metric("error", "mean error", "lower", high=inf, unit="number")


def test_a_part_is_told_in_per_cent_with_its_interval() -> None:
    assert percent(0.98661) == "98.66 %"
    assert with_ends(ACCURACY, Interval(value=0.98661, low=0.9815, high=0.99179)) == "98.66 % (98.15 to 99.18)"


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.02134, "0.0213"), (0.1, "0.100"), (1.544, "1.54"), (14.19, "14.2"), (143.4, "143"), (1999.6, "2000"), (0, "0")],
)
def test_milliseconds_have_three_digits_that_count(value: float, told: str) -> None:
    assert milliseconds(value) == told


@pytest.mark.parametrize(("larger", "smaller", "told"), [(183.4, 1, "183"), (52, 10, "5.2"), (1.02, 1, "1.0")])
def test_a_ratio_has_no_more_digits_than_it_deserves(larger: float, smaller: float, told: str) -> None:
    assert times(larger, smaller) == told


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [(0.92, 0.95, "3.00 points below"), (0.95, 0.92, "3.00 points above"), (0.95, 0.950001, "level with")],
)
def test_the_distance_to_the_teacher_says_on_which_side(ours: float, theirs: float, told: str) -> None:
    assert apart(ACCURACY, ours, theirs) == told


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.001, 0.02, "the test set tells it from zero"),
        (-0.01, 0.02, "the test set cannot tell it from zero"),
        (0.0, 0.02, "the test set cannot tell it from zero"),
        (-0.02, -0.001, "it is a loss, and the test set tells it from zero"),
    ],
)
def test_a_gain_is_only_a_gain_where_its_interval_leaves_zero(low: float, high: float, told: str) -> None:
    assert gain_in_words(Interval(value=(low + high) / 2, low=low, high=high)) == told


@pytest.mark.parametrize(
    ("p_value", "told"),
    [
        (0.1608, "about 16 of 100 such test sets (McNemar's exact test, p = 0.16)"),
        (0.0042, "about 4 of 1,000 such test sets (McNemar's exact test, p = 0.0042)"),
        (0.00002, "fewer than 1 of 10,000 such test sets (McNemar's exact test, p < 0.0001)"),
        (1.0, "nearly all such test sets (McNemar's exact test, p = 1)"),
    ],
)
def test_a_p_value_is_told_as_how_often_chance_does_it(p_value: float, told: str) -> None:
    assert odds_in_words(discordant(p_value=p_value)).endswith(f"in {told}.")
    assert "split 51 samples" in odds_in_words(discordant(p_value=p_value))


def test_without_a_discordant_sample_no_p_value_is_told() -> None:
    assert "nothing to tell them apart by" in odds_in_words(discordant(only_challenger=0, only_champion=0, p_value=1))


def test_a_number_that_is_no_part_is_told_as_it_is() -> None:
    assert with_ends(ERROR, Interval(value=12.3456, low=11, high=13)) == "12.35 (11 to 13)"
    assert apart(ERROR, 12.5, 10.0) == "2.50 above"


@pytest.mark.parametrize(
    ("op", "threshold", "value", "told"),
    [
        (">=", 0.95, 0.9, "expected at least 0.95, got 0.9"),
        (">=", 0.95, 0.949999, "expected at least 0.95, got 0.949999"),
        ("<=", 12.3456, 12.3456, "expected at most 12.3456, got 12.3456"),
        ("<=", 12_345, 12_346, "expected at most 12,345, got 12,346"),
        ("<=", 0.001, 1e-6, "expected at most 0.001, got 1e-06"),
        ("<=", 0.001, 6.198883056640625e-06, "expected at most 0.001, got 6.199e-06"),
        (">=", 0.17025832988871, 0.4501, "expected at least 0.1703, got 0.4501"),
        (">=", 0.17025832988871, 0.17025, "expected at least 0.17026, got 0.17025"),
        (">=", 12_345_678, 0.5, "expected at least 12,345,678, got 0.5"),
        (">=", 0.5, float("nan"), "expected at least 0.5, got nan"),
    ],
)
def test_a_limit_has_as_many_digits_as_it_takes_to_see_whether_it_is_kept(
    op: Any, threshold: float, value: float, told: str
) -> None:
    assert told in check_text(Check(limit="some", op=op, threshold=threshold, value=value)).line


def test_what_is_no_number_is_told_after_the_numbers() -> None:
    check = Check(limit="bytes", op="<=", threshold=10, value=4_000)
    verdict = Verdict(environment="edge", checks=(check,), failure="`model.onnx`: cut short", approval=Approval())
    assert refusal_lines(verdict) == (
        "`bytes`: expected at most 10, got 4,000",
        "`loads_in_runtime`: expected a bundle that passes its self-test now, got `model.onnx`: cut short",
        "`approval`: expected an approval of this version by `stillhouse approve`, got none",
    )
    assert verdict.broken == ("bytes", "loads_in_runtime", "approval")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.7282039523124695, "number", "0.7282"),
        (0.0999414976599064, "percent", "9.99 %"),
        (1234, "count", "1,234"),
        ("oak", "percent", "oak"),
        (None, "number", ""),
    ],
)
def test_a_cell_is_printed_as_its_heading_says(value: str | int | float | None, unit: Any, expected: str) -> None:
    assert cell_in_words(value, Heading(title="any", unit=unit)) == expected
