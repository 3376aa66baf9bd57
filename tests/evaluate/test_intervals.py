import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from scipy.stats import bootstrap as scipy_bootstrap

from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval, Metric, wilson
from tasks.contracts.targets import TargetCard, Targets
from tasks.evaluate.intervals import Counts, Floats, gains, intervals, mcnemar, resample
from tasks.kinds.classification.metrics import PART

PARAMS = Evaluate(resamples=2000)
HITS = Metric("hits", "hits")
Hits = NDArray[np.bool_]


def part_of(hits: Hits, counts: Counts) -> dict[str, Floats]:
    return {"hits": counts @ hits / counts.sum(axis=1)}


def proportion(hits: Hits, params: Evaluate, seed: int) -> Interval:
    found = resample({"ours": lambda counts: part_of(hits, counts)}, len(hits), params, seed)
    return intervals(found["ours"], {"hits": HITS}, len(hits), {}, params)["hits"]


def paired_difference(ours: Hits, theirs: Hits, params: Evaluate, seed: int) -> Interval:
    tallies = {"ours": lambda counts: part_of(ours, counts), "theirs": lambda counts: part_of(theirs, counts)}
    found = resample(tallies, len(ours), params, seed)
    return gains(found["ours"], found["theirs"], {"hits": HITS}, len(ours), params)["hits"]


def test_interval_of_a_proportion_is_that_of_the_plain_bootstrap() -> None:
    hits = np.arange(400) % 10 > 0
    ours = proportion(hits, PARAMS, seed=0)
    theirs = scipy_bootstrap((hits,), np.mean, n_resamples=5000, method="percentile", rng=1).confidence_interval
    assert ours.value == 0.9
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.006)


def test_interval_of_macro_f1_is_that_of_resampling_sample_by_sample() -> None:
    generator, card = np.random.default_rng(0), TargetCard(names=tuple("abcd"))
    labels, logits = np.arange(200) % 4, generator.normal(size=(200, 4))
    logits[np.arange(200), labels] += 1.5
    evidence = PART.evidence({"logits": logits}, Targets({"label": labels}), card)
    found = resample({"ours": lambda counts: PART.tally(evidence, counts)}, 200, PARAMS, seed=0)
    ours = intervals(found["ours"], {metric.name: metric for metric in PART.metrics}, 200, {}, PARAMS)["macro_f1"]
    plain = []
    for _ in range(2000):
        taken = PART.take(evidence, generator.integers(0, 200, 200))
        plain.append(PART.tally(taken, np.ones((1, 200), np.int64))["macro_f1"][0])
    assert (ours.low, ours.high) == pytest.approx(tuple(np.percentile(plain, [2.5, 97.5])), abs=0.01)


def test_a_data_set_without_a_sample_of_a_class_says_nothing_about_it() -> None:
    card, labels = TargetCard(names=("often", "rare")), np.array([0] * 60 + [1] * 2)
    logits = np.eye(2)[np.array([0] * 60 + [1, 1])]
    evidence = PART.evidence({"logits": logits}, Targets({"label": labels}), card)
    found = resample({"ours": lambda counts: PART.tally(evidence, counts)}, 62, PARAMS, seed=0)["ours"]
    metrics = {metric.name: metric for metric in PART.metrics}
    rare = intervals(found, metrics, 62, PART.support(evidence), PARAMS)["recall/rare"]
    assert np.isnan(found.drawn["recall/rare"]).any()
    assert (rare.value, rare.low, rare.high) == pytest.approx((1.0, *wilson(2, 2, 0.95)))


@pytest.mark.parametrize(("hits", "samples"), [(0, 7), (3, 7), (7, 7), (450, 451)])
def test_the_interval_of_wilson_is_that_of_scipy(hits: int, samples: int) -> None:
    expected = binomtest(hits, samples).proportion_ci(0.9, method="wilson")
    assert wilson(hits, samples, 0.9) == pytest.approx((expected.low, expected.high), abs=1e-12)


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


def test_more_counts_than_fit_into_memory_are_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, ...]] = []

    def tally(counts: Counts) -> dict[str, Floats]:
        calls.append(counts.shape)
        assert (counts.sum(axis=1) == 100).all()
        return {"first": counts[:, 0].astype(np.float64)}

    monkeypatch.setattr("tasks.evaluate.intervals.CELLS", 30_000)
    found = resample({"ours": tally}, 100, Evaluate(resamples=1000), seed=0)["ours"]
    assert calls == [(300, 100), (300, 100), (300, 100), (100, 100), (1, 100)]
    assert found.drawn["first"].shape == (1000,)
    assert found.values == {"first": 1.0}


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
