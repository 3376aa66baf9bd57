"""The head of a regression: one logit for each of the evenly spaced values that its distribution is over."""

from collections.abc import Sequence

from torch import Tensor, nn

from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, mismatch
from tasks.kinds.contract import Correspondence, LayerShape, OutputSpec, Reads, Tensors
from tasks.kinds.filters import Filters, Row, linear_head
from tasks.kinds.regression.names import LOGITS, bins_of, high_of, low_of


class RegressionHead(nn.Module):
    """Channels of a backbone -> logits (batch, bins), or (batch, frames, bins)."""

    def __init__(self, channels: int, bins: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, bins)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Returns the logits by their name."""
        return {LOGITS: self.linear(features)}


class RegressionHeads:
    """The part of the kind."""

    def reads(self, layout: str) -> Reads:
        """Returns `pooled`."""
        return "pooled"

    def head(self, maps: Sequence[LayerShape], card: TargetCard, width: int | None = None) -> nn.Module:
        """Returns a linear layer on the last feature map's channels."""
        return RegressionHead(maps[-1].channels, bins_of(card))

    def filters(self, head: nn.Module, maps: Sequence[Row]) -> Sequence[Filters]:
        """Returns the linear layer."""
        return linear_head(maps)

    def outputs(self, card: TargetCard) -> tuple[OutputSpec, ...]:
        """Returns the logits of all bins."""
        return (OutputSpec(LOGITS, ("batch", bins_of(card))),)

    def width(self, card: TargetCard) -> int:
        """Returns the number of bins."""
        return bins_of(card)

    def refused_width(self, width: int, card: TargetCard) -> tuple[str, str] | None:
        """Refuses another number of bins than that of the data: they would mean other values."""
        if width == bins_of(card):
            return None
        do = f"say `data.regression.bins: {width}`, with the `low` and `high` that its first and last output mean"
        return f"{bins_of(card)} outputs, one for each value from {low_of(card):g} to {high_of(card):g}", do

    def named(self, values: Tensor, card: TargetCard) -> Tensors:
        """Returns the logits of all bins."""
        return {LOGITS: values}

    def output_names(
        self, said: Correspondence, lacks: Sequence[str], own: Sequence[str] | None, card: TargetCard
    ) -> tuple[str | None, ...]:
        """Returns none: outputs stand for values in rising order."""
        if said is not None or lacks:
            field = "teacher.classes" if said is not None else "teacher.lacks"
            expected = "nothing: outputs of a regression stand for values in rising order"
            raise DataError(mismatch("recipe", field, expected, "some", "remove it"))
        return ()

    def translated(self, outputs: Tensors, names: Sequence[str | None], card: TargetCard) -> Tensors:
        """Returns them as they are."""
        return outputs


PART = RegressionHeads()
