"""Targets of an amount: one number per sample, in the column `label` of the source."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from tasks.contracts.targets import BadTargetError, Column, Strata, TargetCard, Targets
from tasks.kinds.contract import Arrays, Declared, Geometry, Raw, Rows

VALUE = "label"


class AmountTargets:
    """The part of the kind."""

    def gist(self, raw: Raw, declared: Declared) -> float:
        """Returns the number."""
        try:
            value = float(raw[VALUE])
        except ValueError:
            raise BadTargetError(f"expected a number, got `{raw[VALUE]}`") from None
        if not isfinite(value):
            raise BadTargetError(f"expected a finite number, got {value}")
        return value

    def table(self, gists: Sequence[float], declared: Declared) -> Mapping[str, Sequence[Any]]:
        """Returns the numbers."""
        return {VALUE: list(gists)}

    def card(self, gists: Sequence[float], declared: Declared) -> TargetCard:
        """Returns a card without groups; with mean and deviation the head begins near the truth."""
        return TargetCard(facts={"mean": float(np.mean(gists)), "deviation": float(np.std(gists))})

    def nominal(self) -> TargetCard:
        """Returns the card of standardised numbers."""
        return TargetCard(facts={"mean": 0.0, "deviation": 1.0})

    def strata(self, gists: Sequence[float], card: TargetCard) -> Strata:
        """Returns the quarter of all numbers that each is in."""
        values = np.asarray(gists, dtype=np.float64)
        quarters = np.searchsorted(np.quantile(values, (0.25, 0.5, 0.75)), values)
        return Strata(("lowest", "low", "high", "highest"), quarters.astype(np.int64))

    def problems(self, trained: Sequence[float], card: TargetCard) -> Iterator[str]:
        """Yields nothing."""
        yield from ()

    def problems_of_splits(self, splits: Mapping[str, Sequence[float]], card: TargetCard) -> Iterator[str]:
        """Yields nothing."""
        return iter(())

    def columns(self, card: TargetCard) -> tuple[Column, ...]:
        """Returns one column of float32."""
        return (Column(name=VALUE, dtype="float32"),)

    def encode(self, raw: Raw, declared: Declared, card: TargetCard) -> Arrays:
        """Returns the number."""
        return {VALUE: np.asarray(float(raw[VALUE]), dtype=np.float32)}

    def summary(self, parts: Iterable[Targets], card: TargetCard) -> dict[str, Any]:
        """Returns smallest and largest number."""
        values = np.concatenate([part[VALUE] for part in parts])
        return {"low": float(values.min()), "high": float(values.max())}

    def translated(self, targets: Targets, card: TargetCard, to: TargetCard) -> Targets:
        """Returns the targets: a number means the same on every card."""
        return targets

    def groups(self, targets: Targets) -> Rows:
        """Returns the quarter of the range that each number is in."""
        values = np.asarray(targets[VALUE], dtype=np.float64)
        span = max(float(np.ptp(values)), 1e-9)
        places: Rows = np.minimum(3, 4 * (values - values.min()) / span).astype(np.int64)
        return places

    def moved(self, targets: Targets, geometry: Geometry) -> Targets:
        """Returns the targets: no change of a picture changes them."""
        return targets


PART = AmountTargets()
