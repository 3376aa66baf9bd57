"""Frames of sequences of unequal length: what is padding takes no part."""

import torch
from torch import Tensor


def reversed_frames(frames: Tensor, lengths: Tensor) -> Tensor:
    """Returns frames (batch, time, features) with the first `lengths` of each sequence turned round."""
    time = torch.arange(frames.shape[1], device=frames.device).unsqueeze(0)
    ends = lengths.unsqueeze(1)
    places = torch.where(time < ends, ends - 1 - time, time)
    return frames.gather(1, places.unsqueeze(2).expand(-1, -1, frames.shape[2]))
