"""What is learned of numbers: their range, and how finely it is divided."""

from typing import Self

from pydantic import Field, model_validator

from params.section import Section


class Regression(Section):
    """Of each sample a number, as the mean of a distribution over evenly spaced values (Rothe et al. 2015, DEX)."""

    low: float | None = None
    """the smallest number there can be; one below is a bad sample. null: the smallest of the data"""
    high: float | None = None
    """the largest; null: the largest of the data"""
    bins: int = Field(default=32, ge=2, le=4096)
    """values of the distribution, the first at `low` and the last at `high`; a teacher that is brought along has as
    many outputs"""
    tolerance: float | None = Field(default=None, gt=0)
    """so far off a number still counts as right; null: a twentieth of the range"""
    interval: float = Field(default=0.9, gt=0, lt=1)
    """the part of the distribution that is between the two numbers told with an answer. Networks are surer of
    themselves than they should be: `evaluate.operate` finds the part that holds as many true numbers as asked for"""

    @model_validator(mode="after")
    def _range_rises(self) -> Self:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"`low` {self.low:g} is not below `high` {self.high:g}")
        return self

    @property
    def facts(self) -> dict[str, object]:
        """All that the kind of task has to know."""
        return self.model_dump()
