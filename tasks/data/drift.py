"""Whether data has drifted: a two-sample test per feature on prepared training samples of then and of now."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from params.retrain import DriftLimits
from tasks.contracts.records import UNLABELLED, InputSpec, Shard
from tasks.core.record import Record
from tasks.data.versions.versions_store import Locate, card_of
from tasks.layouts import INPUTS, find_layout

Features = NDArray[np.float64]
"""(samples, features)"""


class Drift(Record):
    """The feature that differs most, by how much, and whether that breaks the limits."""

    feature: int
    """position in what `features_of` returns"""
    features: int
    distance: float
    """Kolmogorov-Smirnov statistic, 0 to 1"""
    p_value: float
    """after Bonferroni's correction, at most 1"""
    drifted: bool


def drift_between(before: Features, now: Features, limits: DriftLimits) -> Drift:
    """Compares two sets of samples, feature by feature.

    Args:
        before: (samples, features).
        now: (other samples, the same features).
        limits: what counts as drift.

    Returns:
        The drift of the feature with the largest distance among those that break the limits, else among all.
    """
    test = ks_2samp(before, now, axis=0)
    distances, p_values = np.atleast_1d(test.statistic), np.minimum(np.atleast_1d(test.pvalue) * before.shape[1], 1)
    broken = (p_values < limits.significance) & (distances >= limits.distance)
    feature = int(np.argmax(np.where(broken, distances + 1, distances)))
    return Drift(
        feature=feature,
        features=before.shape[1],
        distance=float(distances[feature]),
        p_value=float(p_values[feature]),
        drifted=bool(broken.any()),
    )


def features_of(locate: Locate, samples: int) -> Features:
    """Returns features of at most about `samples` training samples, evenly spread: (samples, features).

    They are the numbers that the layout takes to stand for a sample, such as the mean of each channel.
    """
    card = card_of(locate)
    split = card.splits["train"] if card.splits["train"].samples else card.splits[UNLABELLED]
    step = max(1, split.samples // samples)
    return np.concatenate([_of_shard(locate, shard, card.input, step) for shard in split.shards])


def _of_shard(locate: Locate, shard: Shard, spec: InputSpec, step: int) -> Features:
    taken = {name: np.load(locate(file.name), mmap_mode="r")[::step] for name, file in shard.inputs.items()}
    return find_layout(spec.layout).summary({**taken, INPUTS: taken[INPUTS].astype(np.float64)})
