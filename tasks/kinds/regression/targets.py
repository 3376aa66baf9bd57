"""Targets of a regression: a number for each sample, in a range that the recipe states or the data has."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from params.kinds.regression import Regression
from tasks.contracts.targets import BadTargetError, Column, Strata, TargetCard, Targets
from tasks.core.errors import mismatch
from tasks.kinds.contract import Arrays, Declared, Geometry, Raw, Rows
from tasks.kinds.regression.bins import range_of
from tasks.kinds.regression.names import LABEL, RANGES, VALUE, high_of, low_of, range_names
from tasks.runtime.preprocess.cells import NumberFormat

FACTS, WRITTEN = "regression", "written"
"""in what is declared of the label: the section of the recipe, and how a file writes numbers"""
OUTSIDE = "number out of range"
TOLERATED = 0.05
"""of the range, unless the recipe says how far off a number still counts as right"""
NOMINAL = (0.0, 1.0)


class RegressionTargets:
    """The part of the kind."""

    def gist(self, raw: Raw, declared: Declared) -> float:
        """Returns the number."""
        if LABEL not in raw:
            raise BadTargetError("expected a number, got none; take a reader that gives labels")
        facts = declared.get(LABEL, {})
        value = _number(raw[LABEL], facts)
        low, high = (_facts(declared).get(end) for end in ("low", "high"))
        if (low is not None and value < low) or (high is not None and value > high):
            ends = [f"from {low:g}"] if low is not None else []
            ends += [f"up to {high:g}"] if high is not None else []
            raise BadTargetError(f"expected a number {' '.join(ends)}, got {value:g}", OUTSIDE)
        return value

    def table(self, gists: Sequence[float], declared: Declared) -> Mapping[str, Sequence[Any]]:
        """Returns the numbers."""
        return {LABEL: list(gists)}

    def card(self, gists: Sequence[float], declared: Declared) -> TargetCard:
        """Returns the range, which is that of all numbers where the recipe says nothing, and how it is divided."""
        facts = _facts(declared)
        low = min(gists, default=NOMINAL[0]) if facts["low"] is None else facts["low"]
        high = max(gists, default=NOMINAL[1]) if facts["high"] is None else facts["high"]
        tolerance = TOLERATED * (high - low) if facts["tolerance"] is None else facts["tolerance"]
        return TargetCard(facts={**facts, "low": float(low), "high": float(high), "tolerance": float(tolerance)})

    def nominal(self) -> TargetCard:
        """Returns numbers from 0 to 1."""
        return self.card(NOMINAL, {})

    def strata(self, gists: Sequence[float], card: TargetCard) -> Strata:
        """Returns the quarter of all numbers that each is in."""
        values = np.asarray(gists, dtype=np.float64)
        quarters = np.searchsorted(np.quantile(values, (0.25, 0.5, 0.75)), values) if len(values) else values
        names = ("lowest quarter", "second quarter", "third quarter", "highest quarter")
        return Strata(names, quarters.astype(np.int64))

    def problems(self, trained: Sequence[float], card: TargetCard) -> Iterator[str]:
        """Yields that there is one number alone."""
        if len({*trained}) < 2:
            got = f"{trained[0]:g} alone" if trained else "none"
            yield mismatch("numbers", "", "two or more different ones to train on", got, "add samples of others")
        elif low_of(card) >= high_of(card):
            got = f"{low_of(card):g} to {high_of(card):g}"
            yield mismatch("data.regression", "low", "a range", got, "say `low` and `high`")

    def problems_of_splits(self, splits: Mapping[str, Sequence[float]], card: TargetCard) -> Iterator[str]:
        """Yields splits that judge by one number alone: nothing is better or worse there."""
        for split in ("validation", "test"):
            if len({*splits.get(split, ())}) < 2:
                do = f"add samples, or make `split.{split}` larger"
                yield mismatch("numbers", "", f"two or more different ones in {split}", "fewer", do)

    def columns(self, card: TargetCard) -> tuple[Column, ...]:
        """Returns the column of numbers."""
        return (Column(name=VALUE, dtype="float64"),)

    def encode(self, raw: Raw, declared: Declared, card: TargetCard) -> Arrays:
        """Returns the number."""
        return {VALUE: np.array(self.gist(raw, declared), dtype=np.float64)}

    def summary(self, parts: Iterable[Targets], card: TargetCard) -> dict[str, Any]:
        """Returns how many samples each part of the range has."""
        counts = np.zeros(RANGES, dtype=np.int64)
        for part in parts:
            counts += np.bincount(range_of(np.asarray(part[VALUE]), card), minlength=RANGES)
        return {"numbers": dict(zip(range_names(card), counts.tolist(), strict=True))}

    def translated(self, targets: Targets, card: TargetCard, to: TargetCard) -> Targets:
        """Returns them as they are: a number means the same everywhere."""
        return targets

    def groups(self, targets: Targets) -> Rows:
        """Returns the tenth of its numbers that each is in, from the lowest on."""
        values = np.asarray(targets[VALUE], dtype=np.float64)
        places: Rows = np.searchsorted(np.quantile(values, np.linspace(0.1, 0.9, 9)), values).astype(np.int64)
        return places

    def moved(self, targets: Targets, geometry: Geometry) -> Targets:
        """Returns them as they are: wherever it is in the picture, it has the same number."""
        return targets


def _facts(declared: Declared) -> dict[str, Any]:
    return {**(declared.get(LABEL, {}).get(FACTS) or Regression().facts)}


def _number(found: Any, facts: Mapping[str, Any]) -> float:
    """Returns the number that a file gives as text or as a number."""
    if isinstance(found, int | float | np.number) and not isinstance(found, bool):
        text, written = repr(float(found)), NumberFormat()
    else:
        text, written = str(found), NumberFormat(*facts.get(WRITTEN, ()))
    value = written.number(text)
    if value is None:
        where = f" in column `{facts['column']}`" if facts.get("column") else ""
        raise BadTargetError(f"expected a finite number{where}, got `{found}`" if text.strip() else _no_number(where))
    return value


def _no_number(where: str) -> str:
    return f"expected a number{where}, got none; samples without one belong in `data.unlabelled`"


PART = RegressionTargets()
