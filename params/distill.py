"""How the student learns from its teacher, and where the teacher's outputs come from meanwhile."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from params.annealing import AnnealedFraction, AnnealedTemperature
from params.objectives import Kl, Objectives
from params.section import Fraction, Section


class SoftLabelStore(Section):
    """`soft_labels: live` is short for `soft_labels: {source: live}`."""

    source: Literal["auto", "cached", "live"] = "auto"
    """cached: computed once per view of the training split, stored on disk and shared by every run; live: the teacher
    answers at every step, which costs its time again in each epoch and no disk; auto: cached, unless all views together
    would take more than `most_megabytes`"""
    most_megabytes: int = Field(default=4096, ge=0)
    """of one teacher's soft labels on disk, with `source: auto`"""
    top: int | None = Field(default=None, ge=1)
    """for very many classes: only so many of the largest logits of a row are stored, and the probability that is left
    is spread evenly over the other classes; null for all"""

    @model_validator(mode="before")
    @classmethod
    def _source_alone(cls, given: Any) -> Any:
        return {"source": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _top_of_what_is_kept(self) -> Self:
        if self.top is not None and self.source == "live":
            raise ValueError("`top` limits what is stored on disk; leave it out, or say `source: cached`")
        return self


class Distill(Section):
    """`loss = alpha * CE + (1 - alpha) * sum of weight * objective`: `alpha` weighs the hard label, everywhere."""

    alpha: AnnealedFraction = 0.1
    temperature: AnnealedTemperature = 4.0
    """of every soft-label objective that does not bring its own"""
    objectives: Objectives = (Kl(kind="kl"),)
    """any number of them add up"""
    confidence_threshold: Fraction = 0.0
    """a soft label speaks where the teacher's largest probability (at T = 1) reaches this"""
    confidence_mode: Literal["drop", "weight", "right"] = "drop"
    """drop: what is below the threshold is silent; weight: and the rest speaks as loud as the teacher is sure; right:
    and only where the teacher's answer is the label"""
    unlabelled_share: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """part of each batch that has no labels, where the data has such samples; 0 leaves them out"""
    soft_labels: SoftLabelStore = SoftLabelStore()
