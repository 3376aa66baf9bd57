"""How the models are judged on the test split."""

from typing import Annotated

from pydantic import Field

from params.audio.listen import Listen
from params.section import MetricLimits, Section


class Latency(Section):
    """One sample is predicted `repeats` times per model, models interleaved, after `warmup` untimed times."""

    batch_size: int = Field(default=32, ge=1, le=4096)
    """timed beside single samples, as many samples in all but at least ten times"""
    warmup: int = Field(default=50, ge=0)
    """untimed times before"""
    repeats: int = Field(default=300, ge=10)
    """timed times of each model"""


class Verify(Section):
    """When a device takes two samples for the same: from a threshold on that validation data gives."""

    far: Annotated[float, Field(gt=0, lt=0.5)] = 0.001
    """false accept rate: the part of the pairs that are not the same that may be taken for it"""


class Evaluate(Section):
    """Intervals by the percentile bootstrap over test samples."""

    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """of intervals"""
    resamples: int = Field(default=2_000, ge=100, le=1_000_000)
    """drawn for each interval"""
    latency: Latency = Latency()
    defer: MetricLimits = Field(default_factory=dict, max_length=1)
    """the metric that decides, at least, among the answers that the student gives by itself; it leaves the others to a
    larger model or a person"""
    defer_risk: Annotated[float, Field(gt=0, lt=0.5)] = 0.1
    """how likely it may be lower than that: validation data is a draw"""
    listen: Listen | None = None
    """for models of sound: what decides while a device listens to sound that does not end"""
    verify: Verify | None = None
    """for models whose answers are compared with each other: when two samples are taken for the same"""
    operate: MetricLimits = Field(default_factory=dict, max_length=1)
    """for boxes, which have a score, and numbers, which have an interval: the limit on one metric that validation data
    is to keep. From which score on a device tells boxes, or how much an interval holds, follows from it and replaces
    what the recipe says; models are compared there"""
