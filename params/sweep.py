"""Many students of one teacher: which of their fields vary, how values are looked for, and what trains them."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from params.section import Section, not_empty

SWEPT = ("student", "distill", "compress")
"""sections whose fields may vary: data and teacher are the same for all"""


def _of_students(fields: dict[str, Any]) -> dict[str, Any]:
    wrong = [name for name in fields if name.split(".")[0] not in SWEPT or "." not in name]
    if wrong or not fields:
        sections = ", ".join(f"`{name}.`" for name in SWEPT)
        got = ", ".join(f"`{name}`" for name in wrong) or "none"
        raise PydanticCustomError("swept_fields", f"dotted fields that begin with one of {sections}; not {got}")
    return fields


Values = Annotated[tuple[Any, ...], Field(strict=False), AfterValidator(not_empty)]


class Span(Section):
    """A range of numbers, whole ones where both ends are, or a list to choose from."""

    low: int | float | None = None
    """the smallest number tried"""
    high: int | float | None = None
    """the largest"""
    log: bool = False
    """by factors and not by differences, as for a learning rate"""
    choices: Values | None = None
    """what is tried, in place of a range"""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ends = [end for end in (self.low, self.high) if end is not None]
        if len(ends) != (0 if self.choices else 2):
            raise ValueError("give `low` and `high`, or `choices`")
        if ends and not ends[0] <= ends[1]:
            raise ValueError("`low` must not be above `high`")
        if self.log and not (ends and ends[0] > 0):
            raise ValueError("`log` needs a `low` above 0")
        return self

    @property
    def extremes(self) -> tuple[Any, ...]:
        """The ends of the range, or all choices."""
        return self.choices or (self.low, self.high)


_HOST_AND_PORT = re.compile(r"(tcp|tls|ucx|ws|wss)://[^/]+:[0-9]{1,5}/?")


class _SweepBase(Section):
    """Where the students are trained, and which of them is best."""

    runner: Literal["processes", "dask", "ray"] = "processes"
    """of Prefect; threads are not offered: the generators of torch are those of the whole process"""
    workers: int = Field(default=2, ge=1, le=10_000)
    """students that are trained at once; the cores are shared out evenly among them"""
    address: str | None = None
    """of a Dask or Ray cluster that is there; null to start one on this machine"""
    prefer: Literal["quality", "latency", "bytes"] = "quality"
    """among the students that keep all limits of the gates on validation data"""

    @model_validator(mode="after")
    def _address_of_a_cluster(self) -> Self:
        if self.address and self.runner == "processes":
            raise ValueError("`address` is of a cluster: it needs `runner: dask` or `runner: ray`")
        if self.address and self.runner == "dask" and not _HOST_AND_PORT.fullmatch(self.address):
            raise ValueError("`address` is expected to be of a Dask scheduler, such as tcp://host:8786")
        return self


class Grid(_SweepBase):
    """Every combination of the values."""

    search: Literal["grid"]
    """every combination, once"""
    fields: Annotated[dict[str, Values], AfterValidator(_of_students)]
    """of the recipe, and what each may be"""


class Optuna(_SweepBase):
    """So many students, each where the ones before make it look promising (TPE, Bergstra 2011; Optuna)."""

    search: Literal["optuna"]
    """drawn by what the trials before have shown"""
    fields: Annotated[dict[str, Span], AfterValidator(_of_students)]
    trials: int = Field(default=16, ge=1, le=10_000)
    """students that are made"""
    batch: int = Field(default=4, ge=1, le=1000)
    """that are asked for before any is told: whatever the number of workers, it is the same students"""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """draws what is tried"""


Sweep = Annotated[Grid | Optuna, Field(discriminator="search")]
