"""What is learned of identities: how long an embedding is, and how a network without a teacher learns it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from params.section import Section

FOLD, LISTED = "fold", "listed"
"""what a reader may say of a sample beside its identity: its fold, and the numbers of the listed pairs that it is part
of, both from 1 on"""
LossName = Literal["arcface", "cosface", "proxy_anchor", "triplet"]


class Embedding(Section):
    """Of each sample a vector of length 1, close to those of the same identity."""

    MARGINS: ClassVar[dict[str, float]] = {"arcface": 0.5, "cosface": 0.35, "proxy_anchor": 0.1, "triplet": 0.2}
    """of the papers; that of ArcFace in radians, that of triplets a cosine"""
    width: int = Field(default=128, ge=2, le=4096)
    """numbers of an embedding"""
    loss: LossName = "arcface"
    """hard loss on identities: `arcface` (Deng et al. 2019), `cosface` (Wang et al. 2018), `proxy_anchor` (Kim et al.
    2020), which learn a direction for each training identity that is not exported; or `triplet` (the hardest of the
    batch, Hermans et al. 2017)"""
    margin: Annotated[float, Field(ge=0, le=2)] | None = None
    """null for that of the paper"""
    scale: float = Field(default=32.0, gt=0, le=1000)
    """what cosines are multiplied by, except in `triplet`"""
    gallery: Literal["student", "teacher"] = "student"
    """whose embeddings are enrolled. student: a teacher may be wider, and its principal components are learned.
    teacher: the student's embeddings are compared with the teacher's own, so there is
    no projection, and other widths are refused"""

    @property
    def has_probabilities(self) -> bool:
        """Says whether the hard loss compares probabilities of identities, which can be smoothed."""
        return self.loss in ("arcface", "cosface")

    @property
    def facts(self) -> dict[str, object]:
        """All that the kind of task has to know."""
        margin = self.MARGINS[self.loss] if self.margin is None else self.margin
        return {**self.model_dump(), "margin": margin}
