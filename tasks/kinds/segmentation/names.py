"""The names that the parts of this kind share, and what is known of masks."""

from typing import cast

from params.readers import MASK
from tasks.contracts.targets import TargetCard

LOGITS = "logits"
"""the only output: (batch, classes, height, width)"""
IGNORED = 255
"""in a mask: no class, and counted nowhere"""
STRIDE = 4
"""of soft labels: of so many rows and columns of pixels one is taken"""

__all__ = ["IGNORED", "LOGITS", "MASK", "STRIDE", "boundary_of", "size_of", "weights_of"]


def size_of(card: TargetCard) -> tuple[int, int]:
    """Returns (height, width) of a mask."""
    height, width = cast(list[int], card.facts["size"])
    return height, width


def weights_of(card: TargetCard) -> list[float] | None:
    """Returns what a pixel of each class weighs in the hard loss; None where all weigh 1."""
    said = cast(dict[str, float], card.facts.get("weights", {}))
    return [said.get(name, 1.0) for name in card.names] if said else None


def boundary_of(card: TargetCard) -> float:
    """Returns how much more a pixel weighs that has a neighbour of another class."""
    return float(cast(float, card.facts.get("boundary", 0.0)))
