"""The head of a detector: a light feature pyramid (Lin et al. 2017, arXiv:1612.03144), and for each cell of its grids a
score for each class and where the four sides of its box are, each as a distribution (Li et al. 2020, arXiv:2006.04388).

There are no anchors: one box per cell, around its middle. The grids depend on the size of the picture and the strides
of the recipe alone, so the cells of a teacher and of a student with another backbone are the same. What turns logits
into boxes is not in the network: see `decode`.
"""

from collections.abc import Sequence
from math import log

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, mismatch
from tasks.kinds.contract import Correspondence, LayerShape, OutputSpec, Reads, Tensors
from tasks.kinds.detection.names import BINS, CLASSES, SIDES, grids_of
from tasks.kinds.detection.painted import painted
from tasks.kinds.filters import HEAD, Filters, Row, depthwise
from tasks.kinds.named_outputs import names_of_outputs

NARROWEST, WIDEST = 16, 96
"""channels inside"""
RARE = 0.01
"""score of each cell and class before anything is learned (Lin et al. 2017, arXiv:1708.02002, section 4.1)"""
NEARBY = 0.5
"""how much less likely each bin is than the one before it, as a logit, before anything is learned: small boxes"""


class DenseHead(nn.Module):
    """Maps of a backbone, the deepest last, -> logits of classes and sides; see `names` for their shapes."""

    def __init__(
        self, maps: Sequence[LayerShape], classes: int, grids: Sequence[tuple[int, int]], width: int | None
    ) -> None:
        super().__init__()
        self.used, self.grids = _used(maps, grids[0]), tuple(grids)
        chosen = [maps[place] for place in self.used]
        width = width or max(NARROWEST, min(WIDEST, chosen[-1].channels // 2 // 8 * 8))
        self.laterals = nn.ModuleList(_unit(one.channels, width) for one in chosen)
        self.smooth = nn.ModuleList(_separable(width) for _ in grids)
        self.class_towers = nn.ModuleList(_separable(width) for _ in grids)
        self.side_towers = nn.ModuleList(_separable(width) for _ in grids)
        rare = torch.full((classes,), -log((1 - RARE) / RARE))
        near = -NEARBY * torch.arange(BINS).repeat(4)
        self.classify = nn.ModuleList(_last(width, rare) for _ in grids)
        self.enclose = nn.ModuleList(_last(width, near) for _ in grids)

    def forward(self, maps: Sequence[Tensor]) -> dict[str, Tensor]:
        """Returns the outputs, grid by grid, each row by row."""
        levels = self._pyramid([maps[place] for place in self.used])
        classes, sides = [], []
        for place, grid in enumerate(self.grids):
            features = self.smooth[place](_at(levels, grid))
            classes.append(self.classify[place](self.class_towers[place](features)).flatten(2))
            sides.append(self.enclose[place](self.side_towers[place](features)).flatten(2))
        return {CLASSES: torch.cat(classes, dim=2), SIDES: torch.cat(sides, dim=2)}

    def filters(self, maps: Sequence[Row]) -> list[Filters]:
        """Returns its layers: each lateral writes the sum of all; of each grid what is smoothed and both towers are
        spaces of their own.
        """
        laterals = [
            Filters(f"{HEAD}.laterals.{number}.0", f"{HEAD}.laterals.{number}.1", (HEAD,), maps[place])
            for number, place in enumerate(self.used)
        ]
        grids = [filters for place in range(len(self.grids)) for filters in _of_grid(place)]
        return [*laterals, *grids]

    def _pyramid(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Returns the maps with what the deeper ones say added to them, the finest first."""
        levels: list[Tensor] = []
        for features, lateral in zip(reversed(maps), reversed(self.laterals), strict=True):
            values = lateral(features)
            if levels:
                values = values + functional.interpolate(levels[0], size=values.shape[2:], mode="nearest")
            levels.insert(0, values)
        return levels


def _used(maps: Sequence[LayerShape], finest: tuple[int, int]) -> list[int]:
    """Returns the places of the last map of each size, from the one as fine as the finest grid to the deepest."""
    last = {one.positions: place for place, one in enumerate(maps)}
    fine = [place for shape, place in last.items() if len(shape) == 2 and shape[0] <= finest[0]]
    return fine or [len(maps) - 1]


def _at(levels: Sequence[Tensor], grid: tuple[int, int]) -> Tensor:
    """Returns the map of a grid; where no level is of its size, the next finer or else the deepest one, resized."""
    fits = [one for one in levels if one.shape[2] >= grid[0]]
    nearest = fits[-1] if fits else levels[0]
    if tuple(nearest.shape[2:]) == grid:
        return nearest
    return functional.interpolate(nearest, size=grid, mode="bilinear", align_corners=False)


def _unit(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())


def _separable(width: int) -> nn.Sequential:
    """Returns a filter of each channel by itself, and one over the channels."""
    each = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
    return nn.Sequential(each, nn.BatchNorm2d(width), _unit(width, width))


def _of_grid(place: int) -> list[Filters]:
    """Returns the layers of one grid."""
    smooth, classes, sides = (f"{name}.{place}" for name in ("smooth", "class_towers", "side_towers"))
    smoothed = f"{HEAD}.{smooth}"
    return [
        *_of_separable(smooth, HEAD),
        *_of_separable(classes, smoothed),
        *_of_separable(sides, smoothed),
        Filters(f"{HEAD}.classify.{place}", None, (), (f"{HEAD}.{classes}",)),
        Filters(f"{HEAD}.enclose.{place}", None, (), (f"{HEAD}.{sides}",)),
    ]


def _of_separable(name: str, read: str) -> list[Filters]:
    """Returns the layers of `_separable`, which writes a space of its own name."""
    over = f"{HEAD}.{name}.2"
    return [
        depthwise(f"{name}.0", f"{name}.1", read),
        Filters(f"{over}.0", f"{over}.1", (f"{HEAD}.{name}",), (read,)),
    ]


def _last(width: int, begins: Tensor) -> nn.Conv2d:
    """Returns the layer of logits, which begin as they are given."""
    layer = nn.Conv2d(width, len(begins), 1)
    with torch.no_grad():
        if layer.bias is not None:
            layer.bias.copy_(begins)
    return layer


class DetectionHeads:
    """The part of the kind."""

    def reads(self, layout: str) -> Reads:
        """Returns `pyramid`."""
        return "pyramid"

    def head(self, maps: Sequence[LayerShape], card: TargetCard, width: int | None = None) -> nn.Module:
        """Returns the pyramid with a grid for each stride."""
        if len(maps[-1].positions) != 2:
            expected, do = "a network for pictures", "take `separable`, `efficientnet_lite` or `resnet`"
            got = "one without places in rows and columns"
            raise DataError(mismatch("recipe", "architecture.kind", expected, got, do))
        return DenseHead(maps, len(card.names), grids_of(card), width)

    def filters(self, head: nn.Module, maps: Sequence[Row]) -> Sequence[Filters]:
        """Returns the layers of the pyramid."""
        assert isinstance(head, DenseHead), "it is what `head` made"
        return head.filters(maps)

    def outputs(self, card: TargetCard) -> tuple[OutputSpec, ...]:
        """Returns the logits of classes and sides."""
        cells = sum(rows * columns for rows, columns in grids_of(card))
        shapes = ((CLASSES, len(card.names)), (SIDES, 4 * BINS))
        return tuple(OutputSpec(name, ("batch", channels, cells)) for name, channels in shapes)

    def width(self, card: TargetCard) -> int:
        """Returns the values of one cell: an imported network gives (batch, cells, classes and then sides)."""
        return len(card.names) + 4 * BINS

    def refused_width(self, width: int, card: TargetCard) -> tuple[str, str] | None:
        """Refuses all: without cells or boxes, values say nothing of places."""
        return "boxes", "say in `teacher.boxes` how an ONNX file writes them, or bring a network (`kind: weights`)"

    def named(self, values: Tensor, card: TargetCard) -> Tensors:
        """Returns the outputs of what an imported network gives for each cell."""
        values = values.transpose(1, 2)
        return {CLASSES: values[:, : len(card.names)], SIDES: values[:, len(card.names) :]}

    def output_names(
        self, said: Correspondence, lacks: Sequence[str], own: Sequence[str] | None, card: TargetCard
    ) -> tuple[str | None, ...]:
        """Returns the class of the data that each output of a teacher counts for; none where they are the data's."""
        return names_of_outputs(said, lacks, own, card)

    def translated(self, outputs: Tensors, names: Sequence[str | None], card: TargetCard) -> Tensors:
        """Returns logits of the data's classes: of outputs with one name the largest counts, others are left out."""
        logits = outputs[CLASSES]
        never = torch.full_like(logits[:, 0], -log((1 - RARE) / RARE) - 4)
        places = [[place for place, name in enumerate(names) if name == one] for one in card.names]
        classes = [logits[:, some].amax(dim=1) if some else never for some in places]
        return {**outputs, CLASSES: torch.stack(classes, dim=1)}

    def of_boxes(self, places: Tensor, scores: Tensor, card: TargetCard) -> Tensors:
        """Returns logits of the cells that tell these boxes; see `painted`."""
        found = [painted(*one, card) for one in zip(places.numpy(), scores.numpy(), strict=True)]
        classes, sides = (torch.from_numpy(np.stack(some)) for some in zip(*found, strict=True))
        return {CLASSES: classes, SIDES: sides}


PART = DetectionHeads()
