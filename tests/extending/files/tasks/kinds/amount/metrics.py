"""Metrics of an amount, from the error of each sample."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.metrics import Metric
from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Arrays, Constant, Floats, OperatingCurve, Rows, ScoredPairs


@dataclass(frozen=True)
class Errors:
    """Predicted and true value of each sample (n,)."""

    predicted: Floats
    true: Floats


class AmountMetrics:
    """The part of the kind."""

    metrics = (
        Metric("r2", "R squared", low=-float("inf")),
        Metric("absolute_error", "mean absolute error", "lower", high=float("inf")),
        Metric("loss", "mean squared error", "lower", high=float("inf")),
    )

    def evidence(self, outputs: Arrays, targets: Targets, card: TargetCard) -> Errors:
        """Returns both values of each sample."""
        return Errors(outputs["value"][:, 0].astype(np.float64), targets["label"].astype(np.float64))

    def joined(self, parts: Sequence[Errors]) -> Errors:
        """Returns several batches as one."""
        return Errors(np.concatenate([p.predicted for p in parts]), np.concatenate([p.true for p in parts]))

    def take(self, evidence: Errors, rows: Rows) -> Errors:
        """Returns some samples."""
        return Errors(evidence.predicted[rows], evidence.true[rows])

    def tally(self, evidence: Errors, counts: Rows) -> Mapping[str, Floats]:
        """Returns every metric."""
        every, total = counts.astype(np.float64), counts.sum(axis=1)
        error = evidence.predicted - evidence.true
        mean, squares = every @ evidence.true / total, every @ evidence.true**2 / total
        loss = every @ error**2 / total
        spread = np.maximum(squares - mean**2, 1e-12)
        return {"r2": 1 - loss / spread, "absolute_error": every @ np.abs(error) / total, "loss": loss}

    def support(self, evidence: Errors) -> Mapping[str, int]:
        """Returns nothing: there are no groups."""
        return {}

    def right(self, evidence: Errors) -> NDArray[np.bool_] | None:
        """Returns None: a number is nearly right."""
        return None

    def units(self, evidence: Errors) -> Rows | None:
        """Returns None: each sample is drawn by itself."""
        return None

    def pairs(self, evidence: Errors) -> ScoredPairs | None:
        """Returns None: answers are not compared with each other."""
        return None

    def operating(self, evidence: Errors) -> OperatingCurve | None:
        """Returns None: an answer is told whatever its score is."""
        return None

    def agreement(self, outputs: Arrays, others: Arrays) -> Floats:
        """Returns 1 where both are the same, less the farther apart they are."""
        apart = np.abs(outputs["value"][:, 0] - others["value"][:, 0]).astype(np.float64)
        near: Floats = 1 / (1 + apart)
        return near

    def constant(self, trained: Iterable[Targets], card: TargetCard) -> Constant:
        """Returns the mean, which has the smallest squared error of all numbers."""
        mean = float(np.concatenate([targets["label"] for targets in trained]).mean())
        return Constant(f"always answering {mean:.4g}", {"value": np.full((1, 1), mean)})

    def suspicions(self, evidence: Errors, card: TargetCard) -> tuple[str, ...]:
        """Returns nothing."""
        return ()

    def at_chance(self, evidence: Errors) -> str:
        """Says so where the mean of all would be as near."""
        error, spread = evidence.predicted - evidence.true, evidence.true - evidence.true.mean()
        return "" if (error**2).sum() < (spread**2).sum() else "R squared is not above 0"


PART = AmountMetrics()
