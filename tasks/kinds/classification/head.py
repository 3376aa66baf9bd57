"""The head of a classifier: one logit per class, for each question; all questions share one linear layer."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import log

import torch
from torch import Tensor, nn

from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, mismatch
from tasks.kinds.classification.names import further_classes, widths
from tasks.kinds.contract import Correspondence, LayerShape, OutputSpec, Reads, Tensors
from tasks.kinds.filters import Filters, Row, linear_head
from tasks.kinds.named_outputs import names_of_outputs, refused_number

UNKNOWN = 1e-4
"""probability of a class that a teacher does not know"""


class ClassificationHead(nn.Module):
    """A linear layer, whose logits (batch, all classes) or (batch, frames, all classes) are cut into named outputs."""

    def __init__(self, channels: int, widths: Mapping[str, int]) -> None:
        super().__init__()
        self.widths = dict(widths)
        self.linear = nn.Linear(channels, sum(widths.values()))

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Returns the logits of each question by the name of its output."""
        return cut(self.linear(features), self.widths)


def cut(logits: Tensor, widths: Mapping[str, int]) -> dict[str, Tensor]:
    """Returns views of logits (..., all classes), one for each question."""
    if len(widths) == 1:
        return dict.fromkeys(widths, logits)
    ends = list(accumulate(widths.values()))
    starts = [0, *ends[:-1]]
    return {name: logits[..., start:end] for name, start, end in zip(widths, starts, ends, strict=True)}


class ClassificationHeads:
    """The part of the kind."""

    def reads(self, layout: str) -> Reads:
        """Returns `pooled`."""
        return "pooled"

    def head(self, maps: Sequence[LayerShape], card: TargetCard, width: int | None = None) -> nn.Module:
        """Returns a linear layer on the last feature map's channels."""
        return ClassificationHead(maps[-1].channels, widths(card))

    def filters(self, head: nn.Module, maps: Sequence[Row]) -> Sequence[Filters]:
        """Returns the linear layer."""
        return linear_head(maps)

    def outputs(self, card: TargetCard) -> tuple[OutputSpec, ...]:
        """Returns one output of logits per question."""
        return tuple(OutputSpec(name, ("batch", width)) for name, width in widths(card).items())

    def width(self, card: TargetCard) -> int:
        """Returns the number of classes of all questions."""
        return sum(widths(card).values())

    def refused_width(self, width: int, card: TargetCard) -> tuple[str, str] | None:
        """Refuses another number than that of the data."""
        return refused_number(width, self.width(card))

    def named(self, values: Tensor, card: TargetCard) -> dict[str, Tensor]:
        """Returns the logits of each question, of those of all side by side."""
        return cut(values, widths(card))

    def output_names(
        self, said: Correspondence, lacks: Sequence[str], own: Sequence[str] | None, card: TargetCard
    ) -> tuple[str | None, ...]:
        """Returns the class of the data that each output of a teacher counts for; none where they are the data's."""
        if said is None and own is None and not lacks:
            return ()
        if further_classes(card):
            got, do = "several questions", "bring a teacher of these questions, and leave `classes` out"
            raise DataError(mismatch("recipe", "teacher.classes", "data with one question", got, do))
        return names_of_outputs(said, lacks, own, card)

    def translated(self, outputs: Tensors, names: Sequence[str | None], card: TargetCard) -> dict[str, Tensor]:
        """Returns logits of the data's classes: probabilities of outputs with one name add up, others are left out."""
        return {name: _translated(values, names, card.names) for name, values in outputs.items()}


def _translated(logits: Tensor, names: Sequence[str | None], classes: Sequence[str]) -> Tensor:
    """Returns logits (..., classes) of logits (..., outputs)."""
    places = {one: [place for place, name in enumerate(names) if name == one] for one in classes}
    known = {
        one: torch.stack([logits[..., place] for place in found], dim=-1).logsumexp(dim=-1)
        for one, found in places.items()
        if found
    }
    unknown = torch.stack([*known.values()], dim=-1).logsumexp(dim=-1) + log(UNKNOWN)
    return torch.stack([known.get(one, unknown) for one in classes], dim=-1)


PART = ClassificationHeads()
