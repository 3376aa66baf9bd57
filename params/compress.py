"""Which files are made of the student, for which processor, and which of them may ship."""

from typing import Annotated, Literal

from pydantic import Field

from params.section import Fraction, Section

Pass = Literal["fp32", "static_int8", "dynamic_int8"]


class Target(Section):
    """The processor the model runs on; decides the integer types of a quantised model."""

    isa: Literal["x86-vnni", "x86", "arm64"] = "x86-vnni"
    threads: int = Field(default=1, ge=1, le=256)


class Calibration(Section):
    """Training samples that show the quantiser the range of every activation."""

    samples: int = Field(default=256, ge=1)
    method: Literal["minmax", "entropy", "percentile"] = "minmax"


class Limits(Section):
    """What a candidate must keep to, on validation data, to be allowed to ship; null for no limit."""

    accuracy_drop: Fraction | None = 0.01
    """largest loss of accuracy against the uncompressed student"""
    bytes: int | None = Field(default=None, ge=1)
    p95_ms: float | None = Field(default=None, gt=0)


class Compress(Section):
    """Every candidate is exported and measured; the best by `prefer` that meets `limits` is the one that ships."""

    target: Target = Target()
    candidates: Annotated[tuple[Pass, ...], Field(strict=False, min_length=1)] = (
        "fp32",
        "static_int8",
    )
    calibration: Calibration = Calibration()
    limits: Limits = Limits()
    prefer: Literal["latency", "bytes", "accuracy"] = "latency"
