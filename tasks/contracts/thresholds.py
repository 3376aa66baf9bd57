"""Thresholds that validation data gives, by which a device decides; they are signed with the release."""

from tasks.contracts.metrics import Interval
from tasks.contracts.targets import TargetCard
from tasks.core.record import Record


class Deferral(Record):
    """The confidence at which a file answers by itself, found on validation data, and what it comes to on test data."""

    metric: str
    limit: float
    """to be kept among the answers that it gives by itself"""
    risk: float
    """how likely it may be lower"""
    threshold: float | None
    """of the confidence; None: no threshold was shown to keep the limit, so it defers always"""
    coverage: Interval
    """part of the test samples at or above the threshold"""
    kept: Interval | None
    """the metric among them; None where there are none"""
    needed: int
    """validation samples, all of them right, that would have shown it"""


class Verification(Record):
    """The cosine from which on two samples are taken for the same: of validation data, and what it comes to on test."""

    far: float
    """false accept rate that was asked for"""
    threshold: float | None
    """None: there are too few pairs that are not the same to show the rate"""
    impostors: int
    """pairs of validation samples that are not the same"""
    needed: int
    """so many would show the rate"""
    true_accepts: Interval | None
    """part of the pairs of test samples that are the same, and taken for it; None without a threshold"""
    false_accepts: Interval | None
    """part of those that are not the same, and taken for it"""


class OperatingPoint(Record):
    """The threshold, such as a least score, that decides what of an answer is told: validation keeps a limit there."""

    metric: str
    limit: float
    """of the metric: at least where higher is better, else at most"""
    fact: str
    """of the target card, from which devices and metrics read the threshold"""
    words: str
    """what a model does with it, with `{}` in place of the threshold"""
    threshold: float | None
    """None: the limit is kept at none, so that of the recipe stays"""
    value: float | None
    """of the metric on validation data; None without a threshold"""

    def told(self, card: TargetCard) -> TargetCard:
        """Returns the card with this threshold in place of that of the recipe."""
        if self.threshold is None:
            return card
        return card.model_copy(update={"facts": {**card.facts, self.fact: self.threshold}})
