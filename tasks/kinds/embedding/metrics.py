"""Metrics of embeddings: verification of pairs, identification in a gallery; numpy only.

Identities are resampled for intervals, not samples and not pairs: all pairs of a person have that person in common. An
identity that is drawn twice counts as two, whose samples are not compared with each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.metrics import Metric
from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Arrays, Constant, Floats, OperatingCurve, Rows, ScoredPairs
from tasks.kinds.embedding.compared import Pairs, all_pairs, cosines_of, pairs_of
from tasks.kinds.embedding.curve import Curve
from tasks.kinds.embedding.names import EMBEDDING, FOLD, IDENTITY, LISTED, listed_of, width_of
from tasks.kinds.embedding.search import NEIGHBOURS, Searched, search

CELLS = 2_000_000
"""weights of pairs in memory at once"""
CERTAIN = 3.0
"""standard deviations by which a model must be better than chance"""
RATES = {"tar_at_far_1e-2": 1e-2, "tar_at_far_1e-3": 1e-3}
ACCURACY, EER, AUC, RANK, RECALL, LOSS = (
    "verification_accuracy",
    "eer",
    "auc",
    "rank_1",
    f"recall_at_{NEIGHBOURS}",
    "loss",
)


@dataclass(frozen=True)
class Vectors:
    """The embedding (n, width) of each sample, of length 1, and what is known of its identity.

    Attributes:
        embedding: (n, width) float32.
        identity: (n,) a number that stands for it.
        fold: (n,) where pairs are listed, that of the sample, from 1 on; else 0.
        listed: (n, most) the numbers of the listed pairs that it is part of, 0 for none.
    """

    embedding: NDArray[np.float32]
    identity: Rows
    fold: Rows
    listed: Rows

    def __len__(self) -> int:
        return len(self.identity)

    @cached_property
    def units(self) -> Rows:
        """The identities (n,), numbered from 0 on."""
        return np.unique(self.identity, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def judged(self) -> tuple[Pairs, Floats]:
        """The pairs that are judged and the cosine of each, from the highest on."""
        pairs = pairs_of(self.units, self.fold, self.listed)
        scores = cosines_of(self.embedding, pairs.rows)
        order = np.argsort(-scores, kind="stable")
        return pairs.take(order), scores[order]

    @property
    def pairs(self) -> Pairs:
        """The pairs that are judged."""
        return self.judged[0]

    @property
    def scores(self) -> Floats:
        """The cosine of each of them."""
        return self.judged[1]

    @cached_property
    def searched(self) -> Searched:
        """What the search for each sample gives."""
        return search(self.embedding, self.units)

    @cached_property
    def accepted(self) -> NDArray[np.float64]:
        """Whether each pair is judged rightly, by a threshold of the pairs of other folds; NaN without such."""
        right = np.full(len(self.scores), np.nan)
        for fold in np.unique(self.pairs.fold[self.pairs.fold >= 0]):
            judged, others = self.pairs.fold == fold, (self.pairs.fold >= 0) & (self.pairs.fold != fold)
            same = self.pairs.same[others]
            if same.any() and not same.all():
                threshold = Curve.of(self.scores[others], same, np.ones((1, len(same)))).best_threshold()
                right[judged] = (self.scores[judged] >= threshold) == self.pairs.same[judged]
        return right


class EmbeddingMetrics:
    """The part of the kind."""

    metrics = (
        Metric(ACCURACY, "verification accuracy"),
        Metric(EER, "equal error rate", "lower"),
        *(Metric(name, f"TAR at FAR {100 * far:g} %", each_epoch=far > 5e-3) for name, far in RATES.items()),
        Metric(AUC, "AUC", in_summary=False),
        Metric(RANK, "rank-1 identification", each_epoch=False),
        Metric(RECALL, f"recall at {NEIGHBOURS}", each_epoch=False, in_summary=False),
        Metric(LOSS, "cosine embedding loss", "lower", high=inf, in_summary=False, unit="number"),
    )

    def evidence(self, outputs: Arrays, targets: Targets, card: TargetCard) -> Vectors:
        """Returns the embedding of each sample of a batch, with its length made 1 again: int8 files round it."""
        embedding = np.asarray(outputs[EMBEDDING], dtype=np.float32)
        length = np.linalg.norm(embedding, axis=1, keepdims=True)
        identity = np.asarray(targets[IDENTITY], dtype=np.int64)
        listed = listed_of(card) and LISTED in targets.columns
        fold = np.asarray(targets[FOLD], dtype=np.int64) if listed else np.zeros(len(identity), dtype=np.int64)
        numbers = np.asarray(targets[LISTED], dtype=np.int64) if listed else np.zeros((len(identity), 0), np.int64)
        return Vectors(embedding / np.maximum(length, 1e-12), identity, fold, numbers)

    def joined(self, parts: Sequence[Vectors]) -> Vectors:
        """Returns the embeddings of several batches as one."""
        columns = (np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS)
        return Vectors(*columns)

    def take(self, evidence: Vectors, rows: Rows) -> Vectors:
        """Returns the embeddings of some samples, which are compared with each other alone."""
        return Vectors(*(getattr(evidence, name)[rows] for name in _COLUMNS))

    def tally(self, evidence: Vectors, counts: Rows) -> Mapping[str, Floats]:
        """Returns every metric; NaN where a data set has no pair, probe or sample with a partner to take it from.

        Verification accuracy: pairs of one identity and of two count half each, as in LFW; the threshold is the best
        one of the pairs of the other folds or, of a single fold or none, of the identities of the other half. It is
        that of the samples as they are, in resampled data sets, too.
        """
        every, found = counts.astype(np.float64), evidence.searched
        at_once = max(1, CELLS // max(len(evidence.scores), 1))
        parts = [_verified(evidence, every[start : start + at_once]) for start in range(0, len(every), at_once)]
        return {
            **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
            RANK: _mean(every, found.first, found.probe),
            RECALL: _mean(every, found.found, found.partnered),
            LOSS: every @ found.loss / every.sum(axis=1),
        }

    def support(self, evidence: Vectors) -> Mapping[str, int]:
        """Returns nothing: no metric is per group."""
        return {}

    def right(self, evidence: Vectors) -> NDArray[np.bool_] | None:
        """Returns None: pairs are right or wrong, not samples."""
        return None

    def units(self, evidence: Vectors) -> Rows | None:
        """Returns the identities."""
        return evidence.units

    def pairs(self, evidence: Vectors) -> ScoredPairs | None:
        """Returns all pairs, whatever is listed to judge by: a threshold at a small rate needs many."""
        pairs = all_pairs(evidence.units)
        return ScoredPairs(cosines_of(evidence.embedding, pairs.rows), pairs.same, evidence.units[pairs.rows])

    def operating(self, evidence: Vectors) -> OperatingCurve | None:
        """Returns None: an answer is told whatever its score is."""
        return None

    def agreement(self, outputs: Arrays, others: Arrays) -> Floats:
        """Returns one minus half the mean difference of the cosines of each sample with its batch (batch,).

        So models of other spaces and widths are compared by what they find alike.
        """
        ours, theirs = (_cosines(side[EMBEDDING]) for side in (outputs, others))
        alike: Floats = 1 - np.abs(ours - theirs).mean(axis=1) / 2
        return alike

    def constant(self, trained: Iterable[Targets], card: TargetCard) -> Constant:
        """Returns one embedding for all: every pair is as alike as every other."""
        width = width_of(card)
        return Constant("always answering one embedding", {EMBEDDING: np.full((1, width), width**-0.5, np.float32)})

    def suspicions(self, evidence: Vectors, card: TargetCard) -> tuple[str, ...]:
        """Returns that pairs of one identity are less alike than others: as if distances were taken for likeness."""
        area = _area(evidence)
        if area >= 0.5 or 0.5 - area <= _by_chance(evidence):
            return ()
        got = f"an AUC of {area:.3f}: pairs of one identity are less alike than others"
        return (f"expected a larger cosine for one identity, got {got}; are outputs or identities in another order?",)

    def at_chance(self, evidence: Vectors) -> str:
        """Returns in words that the AUC is what chance would give, at three standard deviations."""
        area = _area(evidence)
        if area > 0.5 + _by_chance(evidence):
            return ""
        return f"AUC {area:.3f} over {len(evidence.scores):,} pairs, where chance alone gives 0.5"


_COLUMNS = ("embedding", "identity", "fold", "listed")


def _verified(evidence: Vectors, every: Floats) -> dict[str, Floats]:
    """Returns what is taken from the pairs, of data sets (m, n)."""
    names = (ACCURACY, EER, *RATES, AUC)
    values = {name: np.full(len(every), np.nan) for name in names}
    several = every.astype(bool).sum(axis=1) > 1  # a data set of one sample has no pair
    if not several.any() or not len(evidence.scores):
        return values
    pairs, right = evidence.pairs, evidence.accepted
    weights = weights_of(pairs, every[several])
    with np.errstate(invalid="ignore"):
        curve = Curve.of(evidence.scores, pairs.same, weights)
        known = ~np.isnan(right)
        halves = [
            weights[:, known & sort] @ right[known & sort] / weights[:, known & sort].sum(axis=1)
            for sort in (pairs.same, ~pairs.same)
        ]
        found = {
            ACCURACY: (halves[0] + halves[1]) / 2,
            EER: curve.eer(),
            **{name: curve.tar_at(far) for name, far in RATES.items()},
            AUC: curve.auc(),
        }
    lacking = np.isnan(curve.far[:, 0]) | np.isnan(curve.tar[:, 0])
    for name, value in found.items():
        values[name][several] = np.where(lacking, np.nan, value)
    return values


def weights_of(pairs: Pairs, every: Floats) -> Floats:
    """Returns (m, pairs) how often a pair is there, in data sets that hold sample i `every[:, i]` times.

    Samples of one identity are compared within each time that it was drawn, those of two across all times.
    """
    first, second = (every[:, pairs.rows[:, side]] for side in range(2))
    return np.where(pairs.same, np.minimum(first, second), first * second)


def _mean(every: Floats, hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> Floats:
    with np.errstate(invalid="ignore"):
        mean: Floats = every @ (hits & among) / (every @ among)
    return mean


def _cosines(embedding: NDArray[np.floating]) -> Floats:
    values = embedding.astype(np.float64)
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    product: Floats = values @ values.T
    return product


def _area(evidence: Vectors) -> float:
    pairs = evidence.pairs
    if not pairs.same.any() or pairs.same.all():
        return 0.5
    return float(Curve.of(evidence.scores, pairs.same, np.ones((1, len(pairs.same)))).auc()[0])


def _by_chance(evidence: Vectors) -> float:
    """Returns how far from 0.5 the AUC may be by chance, as if each sample was in one pair of each sort."""
    return CERTAIN / sqrt(6 * max(len(evidence), 1))


PART = EmbeddingMetrics()
