"""Metrics are data: a kind of task names its numbers, and all other code goes by these names.

A metric per group (`recall` per class) stands in records as `recall/cat`, `recall/dog`; a recipe bounds the worst of
them by `recall.worst`.
"""

from dataclasses import dataclass
from typing import Literal

from tasks.core.record import Record

WORST = "worst"
GROUP = "/"
Better = Literal["higher", "lower"]


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
    """

    name: str
    title: str
    better: Better = "higher"
    low: float = 0.0
    high: float = 1.0
    per_group: str | None = None
    each_epoch: bool = True

    @property
    def sign(self) -> int:
        """1 where higher is better, -1 where lower is: what a difference is multiplied by to be a gain."""
        return 1 if self.better == "higher" else -1


class Interval(Record):
    """A value with the ends of its confidence interval."""

    value: float
    low: float
    high: float
