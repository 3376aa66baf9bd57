"""The head of an amount: one number, in the unit of the targets."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, mismatch
from tasks.kinds.contract import Correspondence, LayerShape, OutputSpec, Reads, Tensors
from tasks.kinds.filters import Filters, Row, linear_head

VALUE = "value"


class AmountHead(nn.Module):
    """A linear layer, scaled to the targets."""

    def __init__(self, channels: int, mean: float, deviation: float) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, 1)
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("deviation", torch.tensor(deviation))

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Returns the value (batch, 1)."""
        return {VALUE: self.linear(features) * self.get_buffer("deviation") + self.get_buffer("mean")}


class AmountHeads:
    """The part of the kind."""

    def reads(self, layout: str) -> Reads:
        """Returns `pooled`."""
        return "pooled"

    def head(self, maps: Sequence[LayerShape], card: TargetCard, width: int | None = None) -> nn.Module:
        """Returns a linear layer on the last feature map's channels."""
        return AmountHead(maps[-1].channels, float(card.facts["mean"]), float(card.facts["deviation"]))  # type: ignore[arg-type]

    def filters(self, head: nn.Module, maps: Sequence[Row]) -> Sequence[Filters]:
        """Returns the linear layer."""
        return linear_head(maps)

    def outputs(self, card: TargetCard) -> tuple[OutputSpec, ...]:
        """Returns one number per sample."""
        return (OutputSpec(VALUE, ("batch", 1)),)

    def width(self, card: TargetCard) -> int:
        """Returns 1."""
        return 1

    def refused_width(self, width: int, card: TargetCard) -> tuple[str, str] | None:
        """Refuses another number than that of the data."""
        wanted = self.width(card)
        do = "say in `teacher.classes` which output is which: the data's name for each in turn, null for none of them"
        return None if width == wanted else (f"{wanted} outputs, one for each name of the data", do)

    def named(self, values: Tensor, card: TargetCard) -> Tensors:
        """Returns the value."""
        return {VALUE: values}

    def output_names(
        self, said: Correspondence, lacks: Sequence[str], own: Sequence[str] | None, card: TargetCard
    ) -> tuple[str | None, ...]:
        """Returns nothing: a number has no name."""
        if said or lacks:
            raise DataError(mismatch("teacher", "classes", "nothing, of a number", "names", "leave it out"))
        return ()

    def translated(self, outputs: Tensors, names: Sequence[str | None], card: TargetCard) -> Tensors:
        """Returns them as they are."""
        return outputs


PART = AmountHeads()
