"""Which cells answer for which target: those whose score and box already fit it best.

Task-aligned assignment (Feng et al. 2021, arXiv:2108.07755, section 3.2), with the constants that YOLOv8 uses: a cell
whose middle lies in a target is measured by `score^0.5 * IoU^6`, the best ten are taken, and their scores should be
that measure, scaled so that the best has the largest IoU of them. A cell that two targets want goes to the one it
overlaps more. A target too small to hold the middle of a cell gets the nearest one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

TAKEN = 10
SCORE, OVERLAP = 0.5, 6.0
"""the exponents"""
TINY, LEAST = 1e-9, 1e-30
"""areas, and measures, that are no more than that are none"""


@dataclass(frozen=True)
class Assigned:
    """What each cell should say.

    Attributes:
        scores: (batch, classes, cells) 0..1.
        target: (batch, cells) place of the target in its picture; of use where `positive` alone.
        positive: (batch, cells).
        silent: (batch, cells) cells in something ignored, which learn nothing.
    """

    scores: Tensor
    target: Tensor
    positive: Tensor
    silent: Tensor


def iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Returns the intersection over union of boxes (..., 4) in pixels, of those at the same place."""
    return _shared(boxes, others)[0]


def giou(boxes: Tensor, others: Tensor) -> Tensor:
    """Returns the generalised intersection over union, -1..1 (Rezatofighi et al. 2019, arXiv:1902.09630)."""
    shared, union = _shared(boxes, others)
    sides = torch.maximum(boxes[..., 2:], others[..., 2:]) - torch.minimum(boxes[..., :2], others[..., :2])
    hull = sides.prod(dim=-1).clamp_min(TINY)
    return shared - (hull - union) / hull


def _shared(boxes: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    low, high = torch.maximum(boxes[..., :2], others[..., :2]), torch.minimum(boxes[..., 2:], others[..., 2:])
    inside = (high - low).clamp_min(0).prod(dim=-1)
    areas = [(some[..., 2:] - some[..., :2]).prod(dim=-1) for some in (boxes, others)]
    union = (areas[0] + areas[1] - inside).clamp_min(TINY)
    return inside / union, union


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, targets: Tensor, classes: Tensor, state: Tensor, middle: Tensor) -> Assigned:
    """Returns what each cell should say.

    Args:
        scores: (batch, classes, cells) 0..1, as the network says now.
        boxes: (batch, cells, 4) the same.
        targets: (batch, most, 4), padded.
        classes: (batch, most) numbers of classes.
        state: (batch, most) 1 of a target, 2 of one that is ignored, 0 of padding.
        middle: (cells, 2) of the cells.
    """
    inside, own = _inside(targets, middle), state == 1
    overlap = iou(boxes[:, None], targets[:, :, None])
    said = scores.gather(1, classes[:, :, None].expand(-1, -1, scores.shape[2]))
    fits = said**SCORE * overlap**OVERLAP
    allowed = (inside | _nearest(targets, middle, inside)) & own[:, :, None]
    # Without any overlap yet, those nearest to the middle of a target are taken: a cold network begins there.
    away = _distance(targets, middle)
    rank = torch.where(allowed, fits + TINY / (1 + away), -1.0)
    best = rank.topk(min(TAKEN, rank.shape[2]), dim=2).indices
    taken = torch.zeros_like(allowed).scatter_(2, best, True) & allowed
    wanted = torch.where(taken, overlap + TINY / (1 + away), -1.0)
    highest, target = wanted.max(dim=1)
    positive = highest > 0
    chosen = torch.zeros_like(taken).scatter_(1, target[:, None], positive[:, None]) & taken
    fits, overlap = fits * chosen, overlap * chosen
    scale = overlap.amax(dim=2, keepdim=True) / fits.amax(dim=2, keepdim=True).clamp_min(LEAST)
    should = (fits * scale).sum(dim=1)
    label = classes.gather(1, target)
    wanted_scores = torch.zeros_like(scores).scatter_(1, label[:, None], torch.where(positive, should, 0)[:, None])
    silent = (inside & (state == 2)[:, :, None]).any(dim=1) & ~positive
    return Assigned(wanted_scores, target, positive, silent)


def _inside(targets: Tensor, middle: Tensor) -> Tensor:
    """Returns (batch, most, cells) whether the middle of a cell is in a target."""
    low, high = targets[:, :, None, :2], targets[:, :, None, 2:]
    inside: Tensor = ((middle > low) & (middle < high)).all(dim=3)
    return inside


def _distance(targets: Tensor, middle: Tensor) -> Tensor:
    """Returns (batch, most, cells) pixels between the middles of targets and cells."""
    distance: Tensor = torch.linalg.vector_norm((targets[:, :, None, :2] + targets[:, :, None, 2:]) / 2 - middle, dim=3)
    return distance


def _nearest(targets: Tensor, middle: Tensor, inside: Tensor) -> Tensor:
    """Returns (batch, most, cells) the nearest cell of each target in which there is no middle of any."""
    nearest = _distance(targets, middle).argmin(dim=2, keepdim=True)
    return torch.zeros_like(inside).scatter_(2, nearest, True) & ~inside.any(dim=2, keepdim=True)
