"""Which soft labels may speak, and how loud."""

from typing import Literal

from torch import Tensor

Mode = Literal["drop", "weight", "right"]


def speaking(mode: Mode, threshold: float, confidence: Tensor, right: Tensor) -> Tensor:
    """Returns weights (n,) in 0..1; where the confidence is below the threshold it is 0 in every mode.

    Args:
        mode: `drop`: 1 from the threshold on; `weight`: the confidence itself; `right`: 1 where the teacher is right.
        threshold: smallest confidence that may speak, 0..1.
        confidence: (n,) the teacher's largest probability at T = 1.
        right: (n,) bool, whether the teacher's answer is the label.
    """
    loud = (confidence >= threshold).to(confidence.dtype)
    match mode:
        case "drop":
            return loud
        case "weight":
            return loud * confidence
        case "right":
            return loud * right
