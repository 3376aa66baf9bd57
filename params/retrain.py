"""What makes a schedule retrain, and who is told what became of a run.

A person who types `stillhouse run` is not asked for a reason; no one is told by default.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from params.section import Fraction, PartFraction, Section, not_empty

Trigger = Literal["change", "new_data", "drift", "below_gate"]


class DriftLimits(Section):
    """When the training samples of now differ from those of the last run: both limits must be broken by a feature."""

    significance: PartFraction = 0.01
    """the p-value of a two-sample Kolmogorov-Smirnov test, times the number of features (Bonferroni), is below it"""
    distance: Fraction = 0.1
    """the test's statistic is at least this: with many samples the smallest difference is significant"""
    samples: int = Field(default=2_000, ge=20)
    """at most so many of either side, evenly spread"""


class FreshLabels(Section):
    """When the champion of an environment fell below its gate, on labelled samples that its data did not hold yet."""

    environment: Literal["staging", "edge"] = "edge"
    """whose release is judged"""
    samples: int = Field(default=100, ge=1)
    """fewer fresh samples say nothing"""
    group_samples: int = Field(default=20, ge=1)
    """a group (a class, say) with fewer of them is not among those whose worst the gate judges"""


class Retrain(Section):
    """Which triggers a schedule listens to; one that says yes is enough, and where nothing changed none is asked."""

    when: Annotated[tuple[Trigger, ...], Field(strict=False), AfterValidator(not_empty)] = ("change",)
    """change: anything at all; new_data: the source or the data version; drift: data that differs measurably;
    below_gate: a champion that its gate would not let in any more"""
    drift: DriftLimits = DriftLimits()
    below_gate: FreshLabels = FreshLabels()


Event = Literal["promoted", "refused", "failed"]


class Notify(Section):
    """A notification block of the Prefect server; its addresses and secrets are in the block, never in a recipe."""

    block: Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")]
    """type and name, such as `custom-webhook/factory` or `slack-webhook/team`"""
    about: Annotated[tuple[Event, ...], Field(strict=False), AfterValidator(not_empty)] = (
        "promoted",
        "refused",
        "failed",
    )
    """which events are told"""
