"""Losses of detection: scores and boxes of cells, and the rows that soft labels are compared on.

Scores are learned by binary cross-entropy with the quality of the box as their target, boxes by their generalised IoU
and by the two bins next to each side (Li et al. 2020, arXiv:2006.04388, equations 6 and 9, with its weights).

A teacher and a student have the same cells. A class of a cell is a row of two logits, `(0, logit)`, whose softmax is
the sigmoid, so that every objective on soft labels fits: `kl` is then the binary cross-entropy with the teacher's
score. A side of a cell is a row of its bins, on which `kl` is localisation distillation (Zheng et al. 2022,
arXiv:2102.12252). Cells weigh as much as one of the two networks believes in them, for nearly all are background.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Asked, LogitRows, Per, Tensors
from tasks.kinds.detection.assignment import Assigned, assign, giou
from tasks.kinds.detection.decode import cells_of
from tasks.kinds.detection.names import BINS, BOXES, CLASS, CLASSES, IGNORED, SIDES

SCORES, PLACES = "scores", "places"
"""the heads: what is there, and where its sides are"""
OF_BOXES, OF_BINS = 2.0, 0.25
"""weights within the loss of places, beside that of scores"""
FAINT = 0.05
"""scores of a teacher below this say nothing of where a box is"""
NEAR_END = 0.01
"""bins before the last one, up to which a side is a mean of two"""


class DetectionLoss:
    """The part of the kind."""

    def heads(self, card: TargetCard) -> tuple[str, ...]:
        """Returns that of scores, and that of places."""
        return (SCORES, PLACES)

    def training_head(self, trained: Iterable[Targets], card: TargetCard, teacher: Asked | None) -> nn.Module | None:
        """Returns None: all that learns is in the network."""
        return None

    def losses(self, outputs: Tensors, targets: Tensors, card: TargetCard, smoothing: float) -> Mapping[str, Tensor]:
        """Returns both losses (), each a sum over cells divided by the sum of the scores that there should be.

        With smoothing, the scores of cells that answer for a target should be that part lower.
        """
        logits, sides = outputs[CLASSES].float(), outputs[SIDES].float()
        middle, stride = _cells(card, logits.device)
        rows, state = _padded(targets, len(logits))
        distance = expected(sides)
        boxes = _boxes(distance, middle, stride)
        found = assign(logits.sigmoid(), boxes, rows[..., :4], rows[..., CLASS].long(), state, middle)
        total = found.scores.sum().clamp_min(1)
        should = found.scores * (1 - smoothing)
        each = functional.binary_cross_entropy_with_logits(logits, should, reduction="none")
        scores = (each * ~found.silent[:, None]).sum() / total
        return {SCORES: scores, PLACES: _of_places(sides, boxes, rows, found, middle, stride) / total}

    def rows(
        self, student: Tensors, teacher: Tensors, targets: Tensors | None, card: TargetCard, per: Per
    ) -> Iterator[LogitRows]:
        """Yields a row for each class of each cell, and one for each side of the cells that the teacher believes in.

        Neither has a right class: which cell answers for a target is not a matter of the data.
        """
        ours, theirs = student[CLASSES].float(), teacher[CLASSES].float()
        believed = torch.maximum(theirs.sigmoid(), ours.detach().sigmoid())
        weights = believed / believed.sum(dim=(1, 2), keepdim=True).clamp_min(1)
        score = theirs.sigmoid()
        yield LogitRows(
            SCORES,
            _two(ours),
            _two(theirs),
            None,
            weights.flatten(),
            torch.maximum(score, 1 - score).flatten(),
            None,
        )
        best = score.amax(dim=1)
        picture, cell = torch.nonzero(best > FAINT, as_tuple=True)
        our_sides, their_sides = (
            _by_cell(one[SIDES].float())[picture, cell].reshape(-1, BINS) for one in (student, teacher)
        )
        share = best / (best * (best > FAINT)).sum(dim=1, keepdim=True).clamp_min(1)
        share, sure = (values[picture, cell].repeat_interleave(4) for values in (share / 4, best))
        yield LogitRows(PLACES, our_sides, their_sides, None, share, sure, None)

    def groups(self, targets: Tensors) -> Tensor | None:
        """Returns None: a picture is of no class."""
        return None

    def mean_of(self, teachers: Sequence[Tensors], weights: Sequence[float]) -> Tensors:
        """Returns the mean of the logits: the geometric mean of the distributions."""
        return {
            name: torch.stack([weight * one[name] for weight, one in zip(weights, teachers, strict=True)]).sum(dim=0)
            for name in teachers[0]
        }

    def kept(self, outputs: Tensors) -> Tensors:
        """Returns the logits of each cell: (batch, cells, classes), and of its sides (batch, cells, 4, BINS)."""
        return {CLASSES: outputs[CLASSES].transpose(1, 2).contiguous(), SIDES: _by_cell(outputs[SIDES]).contiguous()}

    def given(self, kept: Tensors) -> Tensors:
        """Returns outputs of what was kept."""
        return {CLASSES: kept[CLASSES].transpose(1, 2), SIDES: kept[SIDES].flatten(2).transpose(1, 2)}


def expected(sides: Tensor) -> Tensor:
    """Returns the mean (batch, cells, 4) of the distribution of each side (batch, 4 * BINS, cells), in strides."""
    bins = torch.arange(BINS, device=sides.device, dtype=sides.dtype)
    mean: Tensor = _by_cell(sides).softmax(dim=3) @ bins
    return mean


def _by_cell(sides: Tensor) -> Tensor:
    """Returns logits (batch, cells, 4, BINS)."""
    return sides.reshape(len(sides), 4, BINS, -1).permute(0, 3, 1, 2)


def _two(logits: Tensor) -> Tensor:
    """Returns rows (n, 2) whose softmax is the sigmoid of each logit, and the rest."""
    flat = logits.flatten()
    return torch.stack([torch.zeros_like(flat), flat], dim=1)


def _cells(card: TargetCard, device: torch.device) -> tuple[Tensor, Tensor]:
    cells = cells_of(card.facts)
    return torch.from_numpy(cells.middle).to(device), torch.from_numpy(cells.stride).to(device)


def _boxes(distance: Tensor, middle: Tensor, stride: Tensor) -> Tensor:
    """Returns boxes (batch, cells, 4) of distances (batch, cells, 4) in strides."""
    pixels = distance * stride[:, None]
    return torch.cat([middle - pixels[..., :2], middle + pixels[..., 2:]], dim=2)


def _padded(targets: Tensors, batch: int) -> tuple[Tensor, Tensor]:
    """Returns rows (batch, most, 6), and which are targets (1), ignored (2) or none (0)."""
    rows, ends = targets[BOXES], targets[f"offsets.{BOXES}"]
    counts = ends.diff()
    most = max(int(counts.max()), 1)
    padded = rows.new_zeros((batch, most, 6))
    picture = torch.repeat_interleave(torch.arange(batch, device=rows.device), counts)
    place = torch.arange(len(rows), device=rows.device) - ends[:-1][picture]
    padded[picture, place] = rows
    state = rows.new_zeros((batch, most), dtype=torch.long)
    state[picture, place] = 1 + (rows[:, IGNORED] > 0).long()
    return padded, state


def _of_places(sides: Tensor, boxes: Tensor, rows: Tensor, found: Assigned, middle: Tensor, stride: Tensor) -> Tensor:
    """Returns the loss () of the cells that answer for a target, each weighed by the score it should have."""
    picture, cell = torch.nonzero(found.positive, as_tuple=True)
    targets = rows[picture, found.target[picture, cell], :4]
    weights = found.scores.sum(dim=1)[picture, cell]
    apart = 1 - giou(boxes[picture, cell], targets)
    away = torch.cat([middle[cell] - targets[:, :2], targets[:, 2:] - middle[cell]], dim=1) / stride[cell, None]
    bins = _of_bins(_by_cell(sides)[picture, cell], away.clamp(0, BINS - 1 - NEAR_END))
    return (weights * (OF_BOXES * apart + OF_BINS * bins)).sum()


def _of_bins(logits: Tensor, away: Tensor) -> Tensor:
    """Returns (n,) the cross-entropy (n, 4, BINS) with the two bins next to each distance (n, 4), summed over sides."""
    low = away.floor()
    part, likely = away - low, functional.log_softmax(logits, dim=2)
    places = torch.stack([low, low + 1], dim=2).long()
    both = likely.gather(2, places)
    return -(both[..., 0] * (1 - part) + both[..., 1] * part).sum(dim=1)


PART = DetectionLoss()
