"""Metrics of numbers, against scikit-learn; and what is wrong with answers that fit once they are read otherwise."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from params.evaluate import Evaluate
from tasks.contracts.targets import TargetCard, Targets
from tasks.evaluate.thresholds.operate import point_on
from tasks.kinds.contract import Floats
from tasks.kinds.regression.bins import expected, interval, shared, values_of
from tasks.kinds.regression.metrics import PART, Estimates
from tasks.kinds.regression.names import LOGITS, VALUE
from tests.kinds.regression.conftest import CARD

SAMPLES = 200


def logits_of(numbers: Floats, sharpness: float = 1.0) -> dict[str, Any]:
    """Returns distributions around numbers."""
    return {LOGITS: -sharpness * (values_of(CARD) - numbers[:, None]) ** 2 / 8}


def seen(answers: Floats, true: Floats) -> Estimates:
    return PART.evidence(logits_of(answers), Targets({VALUE: true}), CARD)


@pytest.fixture
def true() -> Floats:
    return np.random.default_rng(0).uniform(11, 29, SAMPLES)


@pytest.fixture
def noisy(true: Floats) -> Estimates:
    return seen(true + np.random.default_rng(1).normal(0, 2, SAMPLES), true)


def test_metrics_are_those_of_scikit_learn_whatever_the_samples_weigh(noisy: Estimates) -> None:
    counts = np.random.default_rng(2).multinomial(SAMPLES, np.full(SAMPLES, 1 / SAMPLES), size=5)
    found = PART.tally(noisy, counts)
    for row, weights in enumerate(counts):
        arguments = {"sample_weight": weights}
        assert found["r2"][row] == pytest.approx(r2_score(noisy.true, noisy.predicted, **arguments))
        assert found["mae"][row] == pytest.approx(mean_absolute_error(noisy.true, noisy.predicted, **arguments))
        assert found["rmse"][row] == pytest.approx(root_mean_squared_error(noisy.true, noisy.predicted, **arguments))
        near = np.abs(noisy.true - noisy.predicted) <= 2
        assert found["within_tolerance"][row] == pytest.approx(near @ weights / weights.sum())
        for place, name in enumerate(noisy.ranges):
            there = noisy.part == place
            error = mean_absolute_error(noisy.true[there], noisy.predicted[there], sample_weight=weights[there])
            assert found[f"range_mae/{name}"][row] == pytest.approx(error)


@pytest.mark.parametrize("answer", [12.0, 13.0])
def test_one_number_alone_is_judged_as_scikit_learn_judges_it(answer: float) -> None:
    four, ranges = np.zeros(4), ("a", "b", "c", "d", "e")
    evidence = Estimates(
        four + answer, four + 12, four, four == 0, four == 0, four, four, four.astype(np.int64), ranges
    )
    found = PART.tally(evidence, np.ones((1, 4), dtype=np.int64))["r2"][0]
    assert found == r2_score(evidence.true, evidence.predicted)


def test_a_part_of_the_range_that_is_not_drawn_has_no_error(noisy: Estimates) -> None:
    counts = np.where(noisy.part == 0, 0, 1)[np.newaxis]
    found = PART.tally(noisy, counts)
    assert np.isnan(found["range_mae/10 to 14"][0])
    assert np.isfinite(found["range_mae/14 to 18"][0])
    assert PART.support(noisy) == dict(zip(noisy.ranges, np.bincount(noisy.part).tolist(), strict=True))


def test_evidence_of_batches_is_that_of_all(noisy: Estimates) -> None:
    parts = [PART.take(noisy, rows) for rows in np.array_split(np.arange(SAMPLES), 3)]
    whole, every = PART.joined(parts), np.ones((1, SAMPLES), dtype=np.int64)
    assert PART.tally(whole, every) == PART.tally(noisy, every)


def test_the_answer_is_the_mean_and_the_interval_holds_nine_tenths() -> None:
    even = np.zeros((1, 5))
    assert expected(even, CARD)[0] == pytest.approx(20)
    # 12.5 wide steps at the ends are half as wide: below 5 % of the mass of a fifth lies a quarter of its step
    assert interval(even, CARD)[0].tolist() == pytest.approx([10.625, 29.375])
    sharp = np.array([[-99.0, 0, -99, -99, -99]])
    assert expected(sharp, CARD)[0] == pytest.approx(15)
    assert interval(sharp, CARD)[0].tolist() == pytest.approx([12.75, 17.25])


def test_a_number_is_shared_so_that_its_mean_is_the_number() -> None:
    numbers = np.array([10.0, 11.0, 22.5, 30.0, 35.0])
    lower, part = shared(numbers, CARD)
    values = values_of(CARD)
    means = (1 - part) * values[lower] + part * values[lower + 1]
    assert means.tolist() == [10.0, 11.0, 22.5, 30.0, 30.0]  # one beyond counts as the last


def test_the_loss_is_least_for_the_shared_number() -> None:
    true = np.array([11.0])
    best = {LOGITS: np.log(np.array([[0.8, 0.2, 1e-12, 1e-12, 1e-12]]))}
    loss = PART.evidence(best, Targets({VALUE: true}), CARD).loss[0]
    assert loss == pytest.approx(-(0.8 * np.log(0.8) + 0.2 * np.log(0.2)))
    worse = {LOGITS: np.log(np.array([[0.9, 0.1, 1e-12, 1e-12, 1e-12]]))}
    assert PART.evidence(worse, Targets({VALUE: true}), CARD).loss[0] > loss


def test_agreement_is_one_less_the_distance_as_a_part_of_the_range() -> None:
    ours, theirs = (logits_of(np.array([10.0, 20.0]), 99), logits_of(np.array([30.0, 15.0]), 99))
    assert PART.agreement(ours, theirs).tolist() == pytest.approx([0.0, 0.75])


def test_the_best_constant_is_the_mean_of_all_numbers(true: Floats) -> None:
    constant = PART.constant([Targets({VALUE: true[:50]}), Targets({VALUE: true[50:]})], CARD)
    assert expected(constant.outputs[LOGITS], CARD)[0] == pytest.approx(true.mean(), abs=1e-4)
    assert constant.words == f"always answering {true.mean():.4g}"


def test_good_answers_raise_no_suspicion(noisy: Estimates) -> None:
    assert PART.suspicions(noisy, CARD) == ()
    assert PART.at_chance(noisy) == ""
    assert PART.right(noisy) is not None


def test_answers_that_know_little_raise_no_suspicion(true: Floats) -> None:
    """Half of what an overfitted network says is chance: R squared is about 0, and 0.25 on another range."""
    noise = np.random.default_rng(4).permutation(true)
    weak = seen(20 + 0.5 * (true - 20) + 0.87 * (noise - 20), true)
    assert PART.tally(weak, np.ones((1, SAMPLES), dtype=np.int64))["r2"][0] < 0.15
    assert PART.suspicions(weak, CARD) == ()


def test_bins_in_falling_order_are_suspected(true: Floats) -> None:
    (told,) = PART.suspicions(seen(40 - true, true), CARD)
    assert "stand for values in rising order" in told
    assert "read from the last to the first" in told


def test_a_range_of_another_beginning_or_length_is_suspected(true: Floats) -> None:
    shifted = seen(np.clip((true - 10) * 0.4 + 10, 10, 30), true)
    (told,) = PART.suspicions(shifted, CARD)
    assert "got an R squared of -" in told
    assert "if they stand for values from 1" in told
    assert "are `data.regression.low` and `high` those of the teacher?" in told


def test_one_answer_for_all_is_suspected_and_no_better_than_chance(true: Floats) -> None:
    evidence = seen(np.full(SAMPLES, 17.0), true)
    (told,) = PART.suspicions(evidence, CARD)
    assert "expected answers that differ from sample to sample, got 16.73 of nearly all" in told
    assert PART.at_chance(evidence).startswith("a correlation of 0.00")


def test_answers_that_know_nothing_are_at_chance(true: Floats) -> None:
    evidence = seen(np.random.default_rng(5).permutation(true), true)
    assert "where chance alone gives 0" in PART.at_chance(evidence)


def at(part: float) -> TargetCard:
    """Returns the card with intervals that hold this part of a distribution."""
    return CARD.model_copy(update={"facts": {**CARD.facts, "interval": part}})


def test_an_interval_holds_a_number_from_the_part_on_that_the_number_needs(true: Floats) -> None:
    outputs, targets = logits_of(true + np.random.default_rng(1).normal(0, 3, SAMPLES), 4), Targets({VALUE: true})
    needed = PART.evidence(outputs, targets, CARD).needed
    for part in (0.2, 0.5, 0.9, 0.99):
        evidence, ends = PART.evidence(outputs, targets, at(part)), interval(outputs[LOGITS], at(part))
        sure = np.abs(needed - part) > 1e-9
        inside = (true >= ends[:, 0]) & (true <= ends[:, 1])
        assert (evidence.covered == inside)[sure].all()
        assert (evidence.covered == (needed <= part)).all()
        assert evidence.width == pytest.approx(ends[:, 1] - ends[:, 0])
    beyond = PART.evidence(logits_of(np.array([20.0, 20.0])), Targets({VALUE: np.array([9.0, 31.0])}), CARD)
    assert beyond.needed.tolist() == pytest.approx([1.0, 1.0])  # no interval holds it
    assert not beyond.covered.any()


def test_intervals_of_a_network_that_is_too_sure_are_widened_until_they_hold_what_is_asked_for() -> None:
    drawn = np.random.default_rng(6)
    every, asked = np.ones((1, 2 * SAMPLES), dtype=np.int64), Evaluate(operate={"in_interval": 0.9}).operate
    split = {}
    for name in ("validation", "test"):
        true = drawn.uniform(12, 28, 2 * SAMPLES)
        split[name] = logits_of(true + drawn.normal(0, 3, 2 * SAMPLES), 1.5), Targets({VALUE: true})
    held = {name: PART.tally(PART.evidence(*one, CARD), every)["in_interval"][0] for name, one in split.items()}
    assert held["test"] < 0.75  # of intervals that hold nine tenths of what it believes
    (metric,) = (one for one in PART.metrics if one.name in asked)
    point = point_on(PART.operating(PART.evidence(*split["validation"], CARD)), metric, asked[metric.name])
    assert point.value == pytest.approx(0.9, abs=0.01)
    found = PART.tally(PART.evidence(*split["test"], point.told(CARD)), every)
    assert found["in_interval"][0] == pytest.approx(0.9, abs=0.05)
    assert found["interval_width"][0] > PART.tally(PART.evidence(*split["test"], CARD), every)["interval_width"][0]


def test_a_curve_is_what_the_metric_is_at_each_part(noisy: Estimates, true: Floats) -> None:
    curve, every = PART.operating(noisy), np.ones((1, SAMPLES), dtype=np.int64)
    outputs = logits_of(true + np.random.default_rng(1).normal(0, 2, SAMPLES))
    for place in range(0, len(curve.thresholds), 50):
        seen_there = PART.evidence(outputs, Targets({VALUE: true}), at(float(curve.thresholds[place])))
        assert PART.tally(seen_there, every)["in_interval"][0] == curve.values["in_interval"][place]
