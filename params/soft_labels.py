"""Where the teacher's answers come from while the student learns."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from params.section import Section


class SoftLabelStore(Section):
    """`soft_labels: live` is short for `soft_labels: {source: live}`."""

    source: Literal["cached", "live"] = "cached"
    """cached: computed once per view of the training split, kept on disk and shared by every run; live: the teacher
    answers at every step, which costs its time again in each epoch and no disk"""
    top: int | None = Field(default=None, ge=1)
    """for very many classes: only so many of the largest logits of a row are kept, and the probability that is left is
    spread evenly over the other classes; null for all"""

    @model_validator(mode="before")
    @classmethod
    def _source_alone(cls, given: Any) -> Any:
        return {"source": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _top_of_what_is_kept(self) -> Self:
        if self.top is not None and self.source == "live":
            raise ValueError("`top` says what is kept on disk; leave it out, or say `source: cached`")
        return self
