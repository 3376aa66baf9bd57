"""Frames of sequences of unequal length: what is padding takes no part."""

import torch
from torch import Tensor


def reversed_frames(frames: Tensor, lengths: Tensor) -> Tensor:
    """Returns frames (batch, time, features) with the first `lengths` of each sequence turned round."""
    time = torch.arange(frames.shape[1], device=frames.device).unsqueeze(0)
    ends = lengths.unsqueeze(1)
    places = torch.where(time < ends, ends - 1 - time, time)
    return frames.gather(1, places.unsqueeze(2).expand(-1, -1, frames.shape[2]))


def mean_over_frames(frames: Tensor, lengths: Tensor) -> Tensor:
    """Returns the mean (batch, hidden) of frames (batch, time, hidden) over the first `lengths` of each sequence."""
    time = torch.arange(frames.shape[1], device=frames.device)
    there = (time.unsqueeze(0) < lengths.unsqueeze(1)).to(frames.dtype)
    total = (frames * there.unsqueeze(2)).sum(dim=1)
    return total / lengths.to(frames.dtype).unsqueeze(1)
