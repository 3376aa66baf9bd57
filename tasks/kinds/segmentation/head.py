"""The head of a segmentation: a light feature pyramid (Lin et al. 2017, arXiv:1612.03144) with logits for each pixel.

The deepest map says what is in the picture: its mean over all places gates it, as in LR-ASPP (Howard et al. 2019,
arXiv:1905.02244, section 6.4). Each shallower map adds where that is. The upsampling to the size of the mask belongs to
the network, so that what is exported, quantised and timed is the whole of it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, mismatch
from tasks.kinds.contract import Correspondence, LayerShape, OutputSpec, Reads, Tensors
from tasks.kinds.filters import HEAD, Filters, Row, depthwise
from tasks.kinds.named_outputs import names_of_outputs, refused_number
from tasks.kinds.segmentation.names import LOGITS, size_of

FINEST = 4
"""pixels of the picture per place of the finest map that is used: a finer one costs more than it tells"""
NARROWEST, WIDEST = 16, 64
"""channels inside"""
SMOOTHED = f"{HEAD}.smooth"
"""channels of what is classified"""


class PyramidHead(nn.Module):
    """Maps of a backbone, the deepest last, -> logits (batch, classes, height, width)."""

    def __init__(self, maps: Sequence[LayerShape], outputs: int, size: tuple[int, int], width: int | None) -> None:
        super().__init__()
        self.used = _used(maps, size)
        chosen = [maps[place] for place in self.used]
        self.sizes, self.size = [one.positions for one in chosen], size
        width = width or max(NARROWEST, min(WIDEST, chosen[-1].channels // 4 // 8 * 8))
        self.laterals = nn.ModuleList(_unit(one.channels, width) for one in chosen)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(chosen[-1].channels, width, 1), nn.Sigmoid())
        self.smooth = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
            nn.BatchNorm2d(width),
            _unit(width, width),
        )
        self.classifier = nn.Conv2d(width, outputs, 1)

    def forward(self, maps: Sequence[Tensor]) -> dict[str, Tensor]:
        """Returns the logits at the size of the mask."""
        *finer, deepest = [maps[place] for place in self.used]
        *laterals, last = self.laterals
        values = last(deepest) * self.gate(deepest)
        for features, lateral in zip(reversed(finer), reversed(laterals), strict=True):
            values = _resized(values, (features.shape[2], features.shape[3])) + lateral(features)
        logits = self.classifier(self.smooth(values))
        return {LOGITS: _resized(logits, self.size)}

    def filters(self, maps: Sequence[Row]) -> list[Filters]:
        """Returns its layers: each lateral writes the sum of all, what is smoothed is a space of its own."""
        laterals = [
            Filters(f"{HEAD}.laterals.{number}.0", f"{HEAD}.laterals.{number}.1", (HEAD,), maps[place])
            for number, place in enumerate(self.used)
        ]
        return [
            *laterals,
            Filters(f"{HEAD}.gate.1", None, (HEAD,), maps[self.used[-1]], origin=False),
            depthwise("smooth.0", "smooth.1", HEAD),
            Filters(f"{HEAD}.smooth.2.0", f"{HEAD}.smooth.2.1", (SMOOTHED,), (HEAD,)),
            Filters(f"{HEAD}.classifier", None, (), (SMOOTHED,)),
        ]


def _used(maps: Sequence[LayerShape], size: tuple[int, int]) -> list[int]:
    """Returns the places of the last map of each size, from the finest that is used to the deepest."""
    last = {one.positions: place for place, one in enumerate(maps)}
    fine = [place for shape, place in last.items() if len(shape) == 2 and FINEST * shape[0] <= size[0] + FINEST]
    return fine or [len(maps) - 1]


def _resized(values: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(values, size=size, mode="bilinear", align_corners=False)


def _unit(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())


class SegmentationHeads:
    """The part of the kind."""

    def reads(self, layout: str) -> Reads:
        """Returns `pyramid`."""
        return "pyramid"

    def head(self, maps: Sequence[LayerShape], card: TargetCard, width: int | None = None) -> nn.Module:
        """Returns a light pyramid on the feature maps.

        Raises:
            DataError: they have no places in rows and columns.
        """
        if len(maps[-1].positions) != 2:
            expected, do = "a network for pictures", "take `separable`, `efficientnet_lite` or `resnet`"
            got = "one without places in rows and columns"
            raise DataError(mismatch("recipe", "architecture.kind", expected, got, do))
        return PyramidHead(maps, len(card.names), size_of(card), width)

    def filters(self, head: nn.Module, maps: Sequence[Row]) -> Sequence[Filters]:
        """Returns the layers of the pyramid."""
        assert isinstance(head, PyramidHead), "it is what `head` made"
        return head.filters(maps)

    def outputs(self, card: TargetCard) -> tuple[OutputSpec, ...]:
        """Returns the logits of each pixel."""
        return (OutputSpec(LOGITS, ("batch", len(card.names), *size_of(card))),)

    def width(self, card: TargetCard) -> int:
        """Returns the number of classes: an imported network gives (batch, classes, height, width)."""
        return len(card.names)

    def refused_width(self, width: int, card: TargetCard) -> tuple[str, str] | None:
        """Refuses another number than that of the data."""
        return refused_number(width, self.width(card))

    def named(self, values: Tensor, card: TargetCard) -> Tensors:
        """Returns logits of an imported network at the size of the mask."""
        size = size_of(card)
        return {LOGITS: values if tuple(values.shape[2:]) == size else _resized(values, size)}

    def output_names(
        self, said: Correspondence, lacks: Sequence[str], own: Sequence[str] | None, card: TargetCard
    ) -> tuple[str | None, ...]:
        """Returns the class of the data that each output of a teacher counts for; none where they are the data's."""
        return names_of_outputs(said, lacks, own, card)

    def translated(self, outputs: Tensors, names: Sequence[str | None], card: TargetCard) -> Tensors:
        """Returns logits of the data's classes: probabilities of outputs with one name add up, others are left out."""
        logits = outputs[LOGITS]
        lowest = logits.amin(dim=1)
        places = [[place for place, name in enumerate(names) if name == one] for one in card.names]
        return {LOGITS: torch.stack([logits[:, some].logsumexp(dim=1) if some else lowest for some in places], dim=1)}


PART = SegmentationHeads()
