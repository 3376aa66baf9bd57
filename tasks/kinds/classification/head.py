"""The head of a classifier: one logit per class, for each question; all questions share one linear layer."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from torch import Tensor, nn

from tasks.contracts.targets import TargetCard
from tasks.kinds.classification.names import widths
from tasks.kinds.contract import OutputSpec, Reads


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

    def reads(self, layout: str) -> Reads:  # noqa: ARG002 - a class is of the whole sample
        """Returns `pooled`."""
        return "pooled"

    def head(self, channels: Sequence[int], card: TargetCard) -> nn.Module:
        """Returns a linear layer on the last feature map's channels."""
        return ClassificationHead(channels[-1], widths(card))

    def outputs(self, card: TargetCard) -> tuple[OutputSpec, ...]:
        """Returns one output of logits per question."""
        return tuple(OutputSpec(name, ("batch", width)) for name, width in widths(card).items())

    def width(self, card: TargetCard) -> int:
        """Returns the number of classes of all questions."""
        return sum(widths(card).values())

    def named(self, values: Tensor, card: TargetCard) -> dict[str, Tensor]:
        """Returns the logits of each question, of those of all side by side."""
        return cut(values, widths(card))


PART = ClassificationHeads()
