"""Metrics are data: a kind of task names its numbers, and all other code goes by these names.

A metric per group (`iou` per class) stands in records as `iou/cat`, `iou/dog`; a recipe bounds the worst of
them by `iou.worst`. Numbers stay numbers until a person reads them: `tasks.contracts.words` says them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import NormalDist
from typing import Literal

from tasks.core.record import Record

WORST = "worst"
GROUP = "/"
Better = Literal["higher", "lower"]
Unit = Literal["percent", "number"]
Values = Mapping[str, float]
NOISE_DIGITS = 12
"""that a difference of two numbers keeps: 0.98 - 0.96 is to be 0.02"""


def split_name(name: str) -> tuple[str, str]:
    """Returns the metric and the group of a value's name: of `iou/cat` `iou` and `cat`, of `iou` an empty group."""
    metric, _, group = name.partition(GROUP)
    return metric, group


@dataclass(frozen=True)
class Metric:
    """A number that evaluation makes, limits may bound, sweeps may aim at, pages and cards print.

    Attributes:
        name: in records and recipes.
        title: what people read.
        better: which direction is better.
        low: the smallest possible value.
        high: the largest possible value; infinity for none.
        per_group: what its values are per, such as `class`; None for one value.
        each_epoch: whether training measures it on validation data after every epoch.
        in_summary: whether tables of all models have a column for it, or for each of its groups.
        unit: how pages print it: a part of 1 in per cent, or the number.
        threshold: of those with which a limit on this metric holds, the one to take: the lowest tells most boxes and
            the narrowest interval, the highest the fewest boxes; None where what is told is no matter of it.
    """

    name: str
    title: str
    better: Better = "higher"
    low: float = 0.0
    high: float = 1.0
    per_group: str | None = None
    each_epoch: bool = True
    in_summary: bool = True
    unit: Unit = "percent"
    threshold: Literal["lowest", "highest"] | None = None

    @property
    def limit(self) -> str:
        """How a recipe bounds it."""
        return f"{self.name}.{WORST}" if self.per_group else self.name

    @property
    def sign(self) -> int:
        """1 where higher is better, -1 where lower is: what a difference is multiplied by to be a gain."""
        return 1 if self.better == "higher" else -1

    @property
    def scale(self) -> float:
        """What a value is multiplied by on an axis."""
        return 100.0 if self.unit == "percent" else 1.0

    @property
    def axis(self) -> str:
        """What stands at an axis."""
        return f"{self.title}, %" if self.unit == "percent" else self.title

    def names_in(self, values: Values | Mapping[str, "Interval"]) -> list[str]:
        """Returns the names in `values` that are of this metric: its own, or one for each group."""
        return [name for name in values if split_name(name)[0] == self.name]

    def found_in(self, values: Values) -> tuple[float, str]:
        """Returns its value and an empty text, or the worst of its groups and which that is (`class cat`).

        It is NaN where the metric or its groups are not among the values.
        """
        names = self.names_in(values)
        worst = min(names, key=lambda name: self.sign * values[name], default=None)
        if worst is None:
            return float("nan"), ""
        return values[worst], f"{self.per_group} {split_name(worst)[1]}" if self.per_group else ""


class Interval(Record):
    """A value with the ends of its confidence interval."""

    value: float
    low: float
    high: float

    def times(self, sign: int) -> "Interval":
        """Returns the interval of the value times 1 or -1."""
        ends = sorted((sign * self.low, sign * self.high))
        return Interval(value=sign * self.value, low=ends[0], high=ends[1])


class Check(Record):
    """One number against its limit.

    `limit` is the field of the recipe, such as `quality.iou.worst`; `where` says which group's value it is.
    """

    limit: str
    op: Literal[">=", "<="]
    threshold: float
    value: float
    where: str = ""

    @property
    def passed(self) -> bool:
        """Whether the limit is kept; NaN keeps none."""
        return self.value >= self.threshold if self.op == ">=" else self.value <= self.threshold


def at_least(limit: str, threshold: float | None, value: float, where: str = "") -> Iterator[Check]:
    """Yields the check of a lower limit, if there is one."""
    if threshold is not None:
        yield Check(limit=limit, op=">=", threshold=threshold, value=value, where=where)


def at_most(limit: str, threshold: float | None, value: float, where: str = "") -> Iterator[Check]:
    """Yields the check of an upper limit, if there is one."""
    if threshold is not None:
        yield Check(limit=limit, op="<=", threshold=threshold, value=value, where=where)


def bounds(field: str, limits: Values, metrics: Sequence[Metric], found: Values) -> Iterator[Check]:
    """Yields the checks of limits by name: the least where higher is better, the most where lower is."""
    for metric in _limited(limits, metrics):
        check = at_least if metric.better == "higher" else at_most
        yield from check(f"{field}.{metric.limit}", limits[metric.limit], *metric.found_in(found))


def losses(field: str, limits: Values, metrics: Sequence[Metric], found: Values, before: Values) -> Iterator[Check]:
    """Yields the checks of limits by name on how much worse `found` is than `before`."""
    for metric in _limited(limits, metrics):
        (value, where), (other, _) = metric.found_in(found), metric.found_in(before)
        loss = round(metric.sign * (other - value), NOISE_DIGITS)
        yield from at_most(f"{field}.{metric.limit}", limits[metric.limit], loss, where)


def values_of(intervals: Mapping[str, Interval]) -> dict[str, float]:
    """Returns the values without their intervals."""
    return {name: interval.value for name, interval in intervals.items()}


def finite(values: Values) -> dict[str, float]:
    """Returns those values that are numbers."""
    return {name: value for name, value in values.items() if isfinite(value)}


def wilson(hits: float, samples: int, confidence: float) -> tuple[float, float]:
    """Returns the ends of Wilson's interval of a proportion (Wilson 1927, JASA 22, 209-212)."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    part, spread = hits / samples, z**2 / samples
    middle = (part + spread / 2) / (1 + spread)
    half = sqrt(spread * (part * (1 - part) + spread / 4)) / (1 + spread)
    return (0.0 if hits <= 0 else middle - half), (1.0 if hits >= samples else middle + half)


def _limited(limits: Values, metrics: Sequence[Metric]) -> list[Metric]:
    by_limit = {metric.limit: metric for metric in metrics}
    return [by_limit[limit] for limit in limits]
