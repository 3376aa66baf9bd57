"""Metrics of embeddings against scikit-learn, and what their intervals are of."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import KNeighborsClassifier

from params.evaluate import Evaluate
from tasks.contracts.targets import TargetCard, Targets
from tasks.evaluate.intervals import intervals, resample
from tasks.kinds.embedding import compared
from tasks.kinds.embedding.compared import all_pairs, listed_rows, pairs_of
from tasks.kinds.embedding.curve import Curve
from tasks.kinds.embedding.metrics import PART, Vectors
from tasks.kinds.embedding.names import EMBEDDING, FOLD, IDENTITY, LISTED

CARD = TargetCard(facts={"width": 8, "loss": "arcface", "margin": 0.5, "scale": 32.0, "gallery": "student"})
Doubles = NDArray[np.float64]


def drawn(identities: int = 12, samples: int = 60, noise: float = 0.6, seed: int = 0) -> Vectors:
    """Returns vectors around a centre for each identity; the last identity has one sample."""
    draws = np.random.default_rng(seed)
    identity = np.append(np.sort(draws.integers(0, identities - 1, samples - 1)), identities - 1)
    centres = draws.normal(size=(identities, 8))
    embedding = centres[identity] / 8**0.5 + noise * draws.normal(size=(samples, 8))
    targets = Targets({IDENTITY: identity * 7 + 3})
    return PART.evidence({EMBEDDING: embedding.astype(np.float32)}, targets, CARD)


def values(evidence: Vectors, counts: NDArray[np.int64] | None = None) -> dict[str, float]:
    counts = np.ones((1, len(evidence)), dtype=np.int64) if counts is None else counts
    return {name: float(value[0]) for name, value in PART.tally(evidence, counts).items()}


def plain_pairs(evidence: Vectors) -> tuple[NDArray[np.bool_], Doubles]:
    first, second = np.triu_indices(len(evidence), 1)
    vectors = evidence.embedding.astype(np.float64)
    return evidence.identity[first] == evidence.identity[second], (vectors[first] * vectors[second]).sum(axis=1)


def test_vectors_have_length_1_whatever_a_file_rounds() -> None:
    np.testing.assert_allclose(np.linalg.norm(drawn().embedding, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_rates_and_areas_are_those_of_scikit_learn(seed: int) -> None:
    evidence = drawn(seed=seed)
    same, score = plain_pairs(evidence)
    found = values(evidence)
    far, tar, _ = roc_curve(same, score, drop_intermediate=False)
    assert found["auc"] == pytest.approx(roc_auc_score(same, score), abs=1e-6)
    crossing = brentq(lambda rate: 1 - rate - interp1d(far, tar)(rate), 0, 1)
    assert found["eer"] == pytest.approx(crossing, abs=1e-6)
    for name, limit in (("tar_at_far_1e-2", 1e-2), ("tar_at_far_1e-3", 1e-3)):
        assert found[name] == pytest.approx(tar[far <= limit].max())
    assert 0.5 < found["auc"] < 1, "data that could show a mistake"


def test_a_curve_with_equal_scores_and_weights_is_that_of_scikit_learn() -> None:
    draws = np.random.default_rng(1)
    score, same, weights = draws.integers(0, 6, 400) / 5, draws.random(400) < 0.3, draws.integers(0, 4, 400)
    curve = Curve.of(score, same, weights[np.newaxis].astype(np.float64))
    far, tar, _ = roc_curve(same, score, sample_weight=weights, drop_intermediate=False)
    np.testing.assert_allclose(curve.far[0], far)
    np.testing.assert_allclose(curve.tar[0], tar)
    assert curve.auc()[0] == pytest.approx(roc_auc_score(same, score, sample_weight=weights))


def test_the_best_answer_is_the_nearest_of_the_gallery() -> None:
    evidence = drawn(noise=0.5)
    gallery = np.unique(evidence.identity, return_index=True)[1]
    probes = np.setdiff1d(np.arange(len(evidence)), gallery)
    nearest = KNeighborsClassifier(1, metric="cosine").fit(evidence.embedding[gallery], evidence.identity[gallery])
    right = nearest.predict(evidence.embedding[probes]) == evidence.identity[probes]
    assert values(evidence)["rank_1"] == pytest.approx(right.mean())
    assert 0.1 < right.mean() < 1


def test_recall_looks_among_five_others_for_one_of_the_same_identity() -> None:
    evidence = drawn(noise=0.9)
    cosines = evidence.embedding @ evidence.embedding.T
    np.fill_diagonal(cosines, -2)
    nearest = np.argsort(-cosines, axis=1)[:, :5]
    hits = (evidence.identity[nearest] == evidence.identity[:, np.newaxis]).any(axis=1)
    partnered = np.array([(evidence.identity == one).sum() > 1 for one in evidence.identity])
    assert not partnered.all()
    assert values(evidence)["recall_at_5"] == pytest.approx(hits[partnered].mean())


def test_the_loss_of_a_sample_is_torchs_cosine_embedding_loss_of_its_pairs() -> None:
    import torch
    from torch.nn import functional

    evidence = drawn()
    vectors = torch.from_numpy(evidence.embedding)
    row = 5
    same = torch.from_numpy(evidence.identity == evidence.identity[row])
    sides = []
    for sort in (1, -1):
        rows = np.flatnonzero((same == (sort == 1)).numpy())
        rows = rows[rows != row]
        one = vectors[row].expand(len(rows), -1)
        sides.append(functional.cosine_embedding_loss(one, vectors[rows], torch.full((len(rows),), sort)))
    assert evidence.searched.loss[row] == pytest.approx(float(sum(sides) / 2), abs=1e-6)
    alone = np.zeros((1, len(evidence)), dtype=np.int64)
    alone[0, row] = 1
    found = values(evidence, alone)
    assert found["loss"] == pytest.approx(evidence.searched.loss[row])
    assert np.isnan(found["eer"])  # one sample is no pair


def test_a_sample_alone_is_in_no_positive_pair() -> None:
    evidence = drawn()
    last = len(evidence) - 1
    rows = evidence.pairs.rows[evidence.pairs.same]
    assert last not in rows
    assert last in evidence.pairs.rows[~evidence.pairs.same]
    assert not evidence.searched.probe[last]
    assert len(rows) == sum(n * (n - 1) // 2 for n in np.unique(evidence.identity, return_counts=True)[1])


def test_many_pairs_are_drawn_and_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    units = np.sort(np.random.default_rng(0).integers(0, 40, 3_000))
    whole = all_pairs(units[:200])
    assert len(whole.rows) == 200 * 199 // 2
    monkeypatch.setattr(compared, "MOST", 5_000)
    found = all_pairs(units)
    assert found.same.sum() == 5_000
    assert 4_000 < (~found.same).sum() <= 5_000
    np.testing.assert_array_equal(units[found.rows[:, 0]] == units[found.rows[:, 1]], found.same)
    assert len(np.unique(found.rows, axis=0)) == len(found.rows)
    assert (found.rows[:, 0] < found.rows[:, 1]).all()
    np.testing.assert_array_equal(found.rows, all_pairs(units).rows)  # of every model the same


def test_no_threshold_is_found_on_the_identities_that_it_judges() -> None:
    """In one half scores are shifted: a threshold of the own half would be right, that of the other half is not."""
    score = np.array([0.9, 0.8, 0.5, 0.4])
    evidence = drawn(identities=8, samples=80, noise=0.3)
    pairs = evidence.pairs
    assert set(np.unique(pairs.fold)) == {-1, 0, 1}
    halves = [np.unique(evidence.units[pairs.rows[pairs.fold == fold]]) for fold in (0, 1)]
    assert not np.intersect1d(halves[0], halves[1]).size
    same = np.array([True, False, True, False])
    thresholds = [
        Curve.of(score[some], same[some], np.ones((1, 2))).best_threshold() for some in (slice(0, 2), slice(2, 4))
    ]
    assert thresholds == [0.9, 0.5]


def test_verification_accuracy_takes_the_threshold_of_the_other_half_and_counts_both_sorts_alike() -> None:
    evidence = drawn(identities=8, samples=80)
    pairs, total = evidence.pairs, []
    for sort in (True, False):
        hits = []
        for fold in (0, 1):
            other = pairs.fold == 1 - fold
            cuts = np.unique(evidence.scores[other])
            scored = [
                (
                    (evidence.scores[other & pairs.same] >= cut).mean()
                    + (evidence.scores[other & ~pairs.same] < cut).mean()
                )
                for cut in cuts
            ]
            threshold = cuts[int(np.argmax(scored))]
            mine = (pairs.fold == fold) & (pairs.same == sort)
            hits.append((evidence.scores[mine] >= threshold) == sort)
        total.append(np.concatenate(hits).mean())
    assert values(evidence)["verification_accuracy"] == pytest.approx(np.mean(total))


def test_listed_pairs_are_judged_where_there_are_enough_of_them() -> None:
    units = np.repeat(np.arange(60), 2)
    listed = np.zeros((120, 2), dtype=np.int64)
    listed[:, 0] = np.repeat(np.arange(1, 61), 2)  # a pair of each identity
    listed[1:119, 1] = np.repeat(np.arange(61, 120), 2)  # and the second one of each with the first one of the next
    fold = np.where(units < 30, 1, 2)
    found = pairs_of(units, fold, listed)
    assert (found.same.sum(), (~found.same).sum()) == (60, 59)
    assert {*found.fold.tolist()} == {1, 2}
    few = pairs_of(units[:40], fold[:40], listed[:40])
    assert len(few.rows) == 40 * 39 // 2  # too few are listed among these


def test_listed_pairs_of_one_fold_are_judged_in_two_halves_of_its_identities() -> None:
    units = np.repeat(np.arange(60), 2)
    genuine = [(2 * identity, 2 * identity + 1) for identity in range(60)]
    impostors = [(2 * identity, 2 * identity + 3 + 2 * (identity % 3 > 0)) for identity in range(58)]
    rows = np.array([*genuine, *impostors])
    listed = np.zeros((120, 4), dtype=np.int64)
    for number, pair in enumerate(rows, start=1):
        for sample in pair:
            listed[sample, (listed[sample] == 0).argmax()] = number
    found = pairs_of(units, np.full(120, 8), listed)
    assert len(found.rows) == 118
    assert {*found.fold[found.same].tolist()} == {0, 1}
    halves = [np.unique(units[found.rows[found.fold == half]]) for half in (0, 1)]
    assert not set(halves[0]) & set(halves[1])
    vectors = drawn(60, 120, noise=0.3)
    judged = Vectors(vectors.embedding, units.astype(np.int64), np.full(120, 8), listed)
    assert np.isfinite(values(judged)["verification_accuracy"])


def test_a_listed_pair_needs_both_samples() -> None:
    np.testing.assert_array_equal(listed_rows(np.array([[3, 0], [1, 3], [2, 0], [0, 0]])), [[0, 1]])
    assert listed_rows(np.zeros((4, 0), dtype=np.int64)).shape == (0, 2)


def test_an_interval_is_over_identities_and_wider_than_over_samples() -> None:
    evidence = drawn(identities=10, samples=200, noise=0.8)
    params = Evaluate(resamples=300)
    metrics = {metric.name: metric for metric in PART.metrics}
    widths = []
    for units in (PART.units(evidence), None):
        found = resample({"one": lambda counts: PART.tally(evidence, counts)}, len(evidence), params, 0, units)["one"]
        interval = intervals(found, metrics, len(evidence), {}, params)["auc"]
        assert interval.low < interval.value < interval.high
        widths.append(interval.high - interval.low)
    assert widths[0] > 1.2 * widths[1]


def test_an_identity_that_is_drawn_twice_makes_no_easy_pair_with_itself() -> None:
    evidence = drawn()
    twice = 2 * np.ones((1, len(evidence)), dtype=np.int64)
    once, double = values(evidence), values(evidence, twice)
    for name, value in once.items():
        assert double[name] == pytest.approx(value), name
    counts = (evidence.units == 0).astype(np.int64)[np.newaxis] + 1
    from tasks.kinds.embedding.metrics import weights_of

    weights = weights_of(evidence.pairs, counts.astype(np.float64))[0]
    own = evidence.pairs.same & (evidence.units[evidence.pairs.rows[:, 0]] == 0)
    assert set(weights[own]) == {2}
    mixed = ~evidence.pairs.same & (evidence.units[evidence.pairs.rows] == 0).any(axis=1)
    assert set(weights[mixed]) == {2}


def test_parts_join_and_are_taken_as_if_they_had_been_one() -> None:
    evidence = drawn()
    halves = [PART.take(evidence, np.arange(30)), PART.take(evidence, np.arange(30, 60))]
    assert values(PART.joined(halves)) == values(evidence)


def test_a_slice_without_pairs_says_nothing() -> None:
    evidence = drawn()
    alone = PART.take(evidence, np.unique(evidence.identity, return_index=True)[1])
    found = values(alone)
    assert np.isnan([found[name] for name in ("verification_accuracy", "eer", "auc", "rank_1")]).all()
    assert np.isfinite(found["loss"])


def test_one_answer_for_all_is_no_better_than_chance() -> None:
    evidence = drawn()
    constant = PART.constant(iter(()), CARD)
    outputs = {EMBEDDING: np.repeat(constant.outputs[EMBEDDING], len(evidence), axis=0)}
    always = PART.evidence(outputs, Targets({IDENTITY: evidence.identity}), CARD)
    found = values(always)
    assert (found["auc"], found["eer"], found["verification_accuracy"]) == pytest.approx((0.5, 0.5, 0.5))
    assert PART.at_chance(always).startswith("AUC 0.500")
    assert PART.at_chance(evidence) == ""


def test_a_model_that_finds_one_identity_less_alike_is_suspected() -> None:
    evidence = drawn(noise=0.2)
    assert PART.suspicions(evidence, CARD) == ()
    draws = np.random.default_rng(0)
    wrong = draws.normal(size=(60, 8)).astype(np.float32)
    wrong[1::2] = -wrong[::2]
    targets = Targets({IDENTITY: np.repeat(np.arange(30), 2)})
    found = PART.evidence({EMBEDDING: wrong}, targets, CARD)
    assert "less alike" in PART.suspicions(found, CARD)[0]


def test_models_of_other_widths_agree_by_what_they_find_alike() -> None:
    draws = np.random.default_rng(0)
    ours = draws.normal(size=(20, 8)).astype(np.float32)
    turned = ours @ np.linalg.qr(draws.normal(size=(12, 8)))[0].T.astype(np.float32)
    assert PART.agreement({EMBEDDING: ours}, {EMBEDDING: turned}) == pytest.approx(np.ones(20), abs=1e-6)
    other = draws.normal(size=(20, 8)).astype(np.float32)
    assert PART.agreement({EMBEDDING: ours}, {EMBEDDING: other}).mean() < 0.9


def test_folds_and_listed_pairs_reach_the_evidence() -> None:
    card = CARD.model_copy(update={"facts": {**CARD.facts, "listed": 2}})
    targets = Targets({IDENTITY: np.array([1, 2]), FOLD: np.array([9, 10]), LISTED: np.array([[1, 0], [1, 2]])})
    found = PART.evidence({EMBEDDING: np.eye(2, 8, dtype=np.float32)}, targets, card)
    assert found.fold.tolist() == [9, 10]
    assert found.listed.tolist() == [[1, 0], [1, 2]]
