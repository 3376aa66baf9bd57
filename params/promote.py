"""The gate in front of each environment."""

from typing import Literal, Self

from pydantic import Field, model_validator

from params.section import Fraction, Section


class Gate(Section):
    """Limits on the shipped artefact, measured on the test split; null for no limit. All must hold."""

    approval: Literal["automatic", "manual"] = "manual"
    """automatic: the retrain flow promotes by itself; manual: a person must have typed `stillhouse approve`"""
    requires: Literal["staging"] | None = None
    """an environment in which this version must be champion before it may enter this one"""
    minimum_hours: float | None = Field(default=None, ge=0)
    """at least this long it must have led the required environment without interruption"""
    accuracy: Fraction | None = None
    """at least"""
    class_recall: Fraction | None = None
    """at least, for the worst class"""
    agreement: Fraction | None = None
    """at least this part of predictions equal to the teacher's"""
    accuracy_drop: Fraction | None = None
    """at most this much below the teacher"""
    calibration_error: Fraction | None = None
    """at most"""
    p95_ms: float | None = Field(default=None, gt=0)
    """at most"""
    bytes: int | None = Field(default=None, ge=1)
    """at most"""
    parity: float | None = Field(default=1e-3, gt=0)
    """at most: largest difference between the logits of torch and of the fp32 ONNX file"""
    not_worse_than_champion: bool = True
    """refuse when the champion is more accurate beyond the interval of the paired difference on the same data"""

    @model_validator(mode="after")
    def _hours_are_of_an_environment(self) -> Self:
        if self.minimum_hours is not None and self.requires is None:
            raise ValueError("`minimum_hours` needs `requires`: they are hours in the environment that it names")
        return self


class Promote(Section):
    """One gate per environment, in the order a release passes them."""

    staging: Gate = Gate(approval="automatic")
    edge: Gate = Gate(requires="staging")

    @model_validator(mode="after")
    def _staging_comes_first(self) -> Self:
        if self.staging.requires:
            raise ValueError("`staging.requires` must stay empty: staging is the first environment")
        return self


ENVIRONMENTS = tuple(Promote.model_fields)
"""in the order in which a release passes them"""
