"""The gate in front of each environment."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from params.compress import ProcessorKind
from params.section import Fraction, MetricLimits, Names, Section


class Gate(Section):
    """Limits on the shipped artefact, measured on the test split; null for no limit. All must hold."""

    approval: Literal["automatic", "manual"] = "manual"
    """automatic: the retrain flow promotes by itself; manual: a person must have typed `stillhouse approve`"""
    requires: Literal["staging"] | None = None
    """an environment in which this version must be champion before it may enter this one"""
    minimum_hours: float | None = Field(default=None, ge=0)
    """at least this long it must have led the required environment without interruption"""
    quality: MetricLimits = Field(default_factory=dict)
    """at least, for metrics where higher is better, else at most"""
    below_teacher: MetricLimits = Field(default_factory=dict)
    """at most this much worse than the teacher"""
    agreement: Fraction | None = None
    """at least: how alike its answers are to the teacher's"""
    p95_ms: float | None = Field(default=None, gt=0)
    """at most"""
    bytes: int | None = Field(default=None, ge=1)
    """at most"""
    parity: float | None = Field(default=1e-3, gt=0)
    """at most: largest difference between the outputs of torch and of the fp32 ONNX file"""
    coverage: Fraction | None = None
    """at least: the part of the test samples that the file answers by itself, where `evaluate.defer` is there"""
    miss_rate: Fraction | None = None
    """at most: the part of the words that a file misses while it listens, where `evaluate.listen` is there"""
    false_alarms_per_hour: float | None = Field(default=None, ge=0)
    """at most, on the same stream"""
    licences: Names | None = None
    """those under which data and teachers may be, by the beginning of what the recipe says of them: `MIT`, `CC BY 4.0`.
    What says nothing is `unknown`, and refused unless that is listed"""
    negative_flips: float | None = Field(default=None, ge=0)
    """at most: the part of the test samples that the champion has right and this release has not; for a kind of task
    whose samples are not right or wrong, how much their loss rose, as a mean over all of them"""
    negative_flips_worst_slice: float | None = Field(default=None, ge=0)
    """at most: the same in the worst class or slice of at least 20 samples"""
    proven_on: Annotated[tuple[ProcessorKind, ...], Field(strict=False)] = ()
    """processors on which it must have answered test samples as here: by `stillhouse prove`, under emulation or on a
    device of that kind"""
    not_worse_than_champion: bool = True
    """refuse when the champion is better beyond the interval of the paired difference on the same data"""
    not_worse_than_baseline: bool = True
    """refuse when the same student without its teacher is better beyond the interval of the paired difference"""
    better_than_constant: bool = True
    """refuse when the interval of the shipped file reaches down to the best answer that looks at no input"""

    @model_validator(mode="after")
    def _hours_are_of_an_environment(self) -> Self:
        if self.minimum_hours is not None and self.requires is None:
            raise ValueError("`minimum_hours` needs `requires`: they are hours in the environment that it names")
        return self


class Promote(Section):
    """One gate per environment, in the order a release passes them."""

    staging: Gate = Gate(approval="automatic")
    edge: Gate = Gate(requires="staging")

    @property
    def gates(self) -> dict[str, Gate]:
        """Each environment's gate, in the order a release passes them."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    @model_validator(mode="after")
    def _staging_comes_first(self) -> Self:
        if self.staging.requires:
            raise ValueError("`staging.requires` must stay empty: staging is the first environment")
        return self


ENVIRONMENTS = tuple(Promote.model_fields)
"""in the order in which a release passes them"""
