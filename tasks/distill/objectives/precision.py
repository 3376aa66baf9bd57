"""How exactly objectives are computed."""

import torch
from torch import Tensor

NARROW = (torch.float16, torch.bfloat16)


def wide(values: Tensor) -> Tensor:
    """Returns values in at least float32; a sum over probabilities has no digits left in bfloat16."""
    return values.float() if values.dtype in NARROW else values
