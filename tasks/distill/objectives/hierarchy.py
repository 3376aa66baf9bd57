"""The distance of two planes at several resolutions."""

import torch
from torch import Tensor
from torch.nn import functional

from tasks.distill.objectives.planes import Plane

LEVELS = (4, 2, 1)
"""sizes to which a plane is pooled; only those that are smaller than it"""


def apart(student: Plane, teacher: Plane) -> Tensor:
    """Returns the mean squared distance () at full size and pooled to 4, 2 and 1.

    Hierarchical context loss, Chen et al. 2021 (arXiv:2104.09044), section 3.3, with the weights 1, 1/2, 1/4, ... over
    their sum. A sequence is pooled over the frames that are there.
    """
    gap = student.values - teacher.values
    sizes = _sizes(student)
    loss, weight, total = _at_full_size(gap, student.there), torch.ones_like(sizes), torch.ones_like(sizes)
    for level in LEVELS:
        weight = torch.where(sizes > level, weight / 2, weight)
        counts = weight * (sizes > level)
        if student.there is None and not bool(min(gap.shape[2:]) > level):
            continue
        loss = loss + counts * _pooled(gap, student.there, level).square().mean(dim=(1, 2))
        total = total + counts
    return (loss / total).mean()


def _sizes(plane: Plane) -> Tensor:
    """Returns the shorter side of a picture, or the frames of a sequence, for each sample (batch,)."""
    if plane.there is not None:
        return plane.there.sum(dim=1)
    return plane.values.new_full((len(plane.values),), min(plane.values.shape[2:]))


def _at_full_size(gap: Tensor, there: Tensor | None) -> Tensor:
    squares = gap.square().mean(dim=1).flatten(1)
    return squares.mean(dim=1) if there is None else (squares * there).sum(dim=1) / there.sum(dim=1)


def _pooled(gap: Tensor, there: Tensor | None, level: int) -> Tensor:
    """Returns (batch, channels, parts): parts are `level` stretches of frames or `level` x `level` tiles.

    Part j reaches from floor(j * size / level) to ceil((j + 1) * size / level), as in adaptive pooling.
    """
    if there is None:
        return functional.adaptive_avg_pool2d(gap, level).flatten(2)
    frames = there.sum(dim=1).long()[:, None, None]
    parts = torch.arange(level, device=gap.device)[None, :, None]
    frame = torch.arange(there.shape[1], device=gap.device)[None, None, :]
    within = (frame >= parts * frames // level) & (frame < -(-(parts + 1) * frames // level))
    shares = within / within.sum(dim=2, keepdim=True)
    return gap.squeeze(2) @ shares.to(gap.dtype).transpose(1, 2)
