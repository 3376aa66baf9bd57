"""The names that the parts of this kind share, and what is known of identities."""

from typing import cast

from params.kinds.embedding import FOLD, LISTED
from params.section import LABEL
from tasks.contracts.targets import TargetCard

EMBEDDING = "embedding"
"""the only output: (batch, width), each of length 1"""
IDENTITY = "identity"
"""a column of the target: a number that stands for the identity; where pairs are listed, `FOLD` and `LISTED` are too,
the numbers of the pairs filled up with 0"""
COSINES, PLACE = "cosines", "place"
"""outputs in training alone: cosines with the directions of the training identities, and the place of the right one"""
MIDDLE, AXES = "middle", "axes"
"""the same, of a wider teacher: the mean of its embeddings (batch, wide), and its principal axes (batch, wide, width);
of each sample the same"""

__all__ = [
    "AXES",
    "COSINES",
    "EMBEDDING",
    "FOLD",
    "IDENTITY",
    "LABEL",
    "LISTED",
    "MIDDLE",
    "PLACE",
    "gallery_of",
    "listed_of",
    "loss_of",
    "margin_of",
    "refused_width",
    "scale_of",
    "width_of",
]


def width_of(card: TargetCard) -> int:
    """Returns how many numbers an embedding has."""
    return cast(int, card.facts["width"])


def listed_of(card: TargetCard) -> int:
    """Returns in how many listed pairs a sample is at most; 0 where no pairs are listed."""
    return cast(int, card.facts.get("listed", 0))


def loss_of(card: TargetCard) -> str:
    """Returns the hard loss, by its name in the recipe."""
    return cast(str, card.facts["loss"])


def margin_of(card: TargetCard) -> float:
    """Returns the margin of the hard loss."""
    return cast(float, card.facts["margin"])


def scale_of(card: TargetCard) -> float:
    """Returns what cosines are multiplied by in the hard loss."""
    return cast(float, card.facts["scale"])


def gallery_of(card: TargetCard) -> str:
    """Returns whose embeddings are enrolled: `student` or `teacher`."""
    return cast(str, card.facts["gallery"])


def refused_width(width: int, card: TargetCard) -> tuple[str, str] | None:
    """Returns what is expected in place of a teacher's width, and what to do; None for one to learn from."""
    own = width_of(card)
    if gallery_of(card) == "teacher" and width != own:
        do = f"say `data.embedding.width: {width}`, or `gallery: student`, which learns principal components"
        return f"{own} numbers, as the student gives, since `data.embedding.gallery` is the teacher's", do
    if width < own:
        return f"at least {own} numbers, as the student gives", f"say `data.embedding.width: {width}` or less"
    return None
