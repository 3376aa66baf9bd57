import numpy as np
import pytest
from scipy.stats import binomtest
from scipy.stats import bootstrap as scipy_bootstrap

from params.evaluate import Evaluate
from tasks.evaluate.intervals import bootstrap, mcnemar, paired_difference, proportion
from tasks.kinds.classification.task_kind import Classification

PARAMS = Evaluate(resamples=2000)


def test_interval_of_a_proportion_is_that_of_the_plain_bootstrap() -> None:
    hits = np.arange(400) % 10 > 0
    ours = proportion(hits, PARAMS, seed=0)
    theirs = scipy_bootstrap((hits,), np.mean, n_resamples=5000, method="percentile", rng=1).confidence_interval
    assert ours.value == 0.9
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.006)


def test_interval_of_macro_f1_is_that_of_resampling_sample_by_sample() -> None:
    kind, generator = Classification(), np.random.default_rng(0)
    labels, logits = np.arange(200) % 4, generator.normal(size=(200, 4))
    logits[np.arange(200), labels] += 1.5
    outcomes, counts = np.unique(kind.outcomes(logits, labels), return_counts=True)
    ours = bootstrap(counts, lambda c: kind.tally(outcomes, c, 4), PARAMS, seed=0)["macro_f1"]
    plain = []
    for _ in range(2000):
        rows = generator.integers(0, 200, 200)
        cells, often = np.unique(kind.outcomes(logits[rows], labels[rows]), return_counts=True)
        plain.append(kind.tally(cells, often[None], 4)["macro_f1"][0])
    assert (ours.low, ours.high) == pytest.approx(tuple(np.percentile(plain, [2.5, 97.5])), abs=0.01)


def test_interval_of_95_percent_covers_the_truth_about_95_times_in_100() -> None:
    generator, params = np.random.default_rng(0), Evaluate(resamples=500)
    covered = 0
    for seed in range(300):
        interval = proportion(generator.random(300) < 0.8, params, seed)
        covered += interval.low <= 0.8 <= interval.high
    assert 0.91 <= covered / 300 <= 0.98


def test_interval_of_the_paired_gain_covers_the_truth_and_is_narrower_than_unpaired() -> None:
    generator, params = np.random.default_rng(0), Evaluate(resamples=500)
    covered = 0
    for seed in range(300):
        theirs = generator.random(300) < 0.8
        ours = theirs ^ (generator.random(300) < np.where(theirs, 0.025, 0.25))  # 0.8 -> 0.83
        interval = paired_difference(ours, theirs, params, seed)
        covered += interval.low <= 0.03 <= interval.high
        assert interval.high - interval.low < 0.08
    assert 0.91 <= covered / 300 <= 0.98


@pytest.mark.parametrize("right", [True, False])
def test_proportion_of_all_or_none_has_the_interval_of_wilson(right: bool) -> None:
    interval = proportion(np.full(90, right), PARAMS, seed=0)
    expected = binomtest(90 * right, 90).proportion_ci(0.95, method="wilson")
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert interval.high - interval.low == pytest.approx(0.041, abs=0.001)


def test_gain_of_two_models_that_no_sample_tells_apart_is_zero_but_not_certain() -> None:
    hits = np.arange(90) % 3 > 0
    interval = paired_difference(hits, hits, PARAMS, seed=0)
    assert interval.value == 0
    assert interval.high == -interval.low == pytest.approx(0.041, abs=0.001)


def test_more_outcomes_than_fit_into_memory_are_resampled_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.ones(100, np.int64)
    calls: list[int] = []

    def statistic(drawn: np.ndarray) -> dict[str, np.ndarray]:
        calls.append(len(drawn))
        return {"first": drawn[:, 0].astype(np.float64)}

    monkeypatch.setattr("tasks.evaluate.intervals.CELLS", 30_000)
    bootstrap(counts, statistic, Evaluate(resamples=1000), seed=0)
    assert calls == [1, 300, 300, 300, 100]


def test_equal_seeds_give_equal_intervals() -> None:
    hits = np.arange(50) % 3 > 0
    assert proportion(hits, PARAMS, 1) == proportion(hits, PARAMS, 1)


def test_mcnemar_is_the_binomial_test_on_the_samples_that_one_of_the_two_has_right() -> None:
    ours, theirs = np.ones(100, bool), np.ones(100, bool)
    ours[:3], theirs[3:15] = False, False
    # 2 * sum of C(15, k) / 2^15 for k = 0..3
    assert mcnemar(ours, theirs) == pytest.approx(2 * (1 + 15 + 105 + 455) / 2**15)
    assert mcnemar(theirs, ours) == mcnemar(ours, theirs)
    assert mcnemar(ours, ours) == 1
