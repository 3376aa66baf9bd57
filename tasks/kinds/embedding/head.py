"""The head of an embedding: a linear layer, and the division by the length, which is part of the exported file.

What is compared by cosine has length 1 wherever it comes from: what an imported network or a teacher gives is divided
by its length, too, so a metric that was trained by Euclidean distance is served in the one order that both agree on.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, mismatch
from tasks.kinds.contract import Correspondence, LayerShape, OutputSpec, Reads, Tensors
from tasks.kinds.embedding.names import EMBEDDING, refused_width, width_of
from tasks.kinds.filters import Filters, Row, linear_head


def of_length_1(values: Tensor) -> Tensor:
    """Returns vectors (..., width) divided by their length; those of zeros stay what they are.

    Not `functional.normalize` or a vector norm: a quantiser takes `Clip` for an activation, and cannot tell shapes
    behind `ReduceL2`.
    """
    squares = (values * values).sum(dim=-1, keepdim=True)
    return values / torch.where(squares > 0, squares, 1.0).sqrt()


class EmbeddingHead(nn.Module):
    """Channels of a backbone -> embeddings (batch, width) of length 1."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, width)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Returns the embedding by its name."""
        return {EMBEDDING: of_length_1(self.linear(features))}


class EmbeddingHeads:
    """The part of the kind."""

    def reads(self, layout: str) -> Reads:
        """Returns `pooled`."""
        return "pooled"

    def head(self, maps: Sequence[LayerShape], card: TargetCard, width: int | None = None) -> nn.Module:
        """Returns a linear layer on the last feature map's channels."""
        return EmbeddingHead(maps[-1].channels, width_of(card))

    def filters(self, head: nn.Module, maps: Sequence[Row]) -> Sequence[Filters]:
        """Returns the linear layer."""
        return linear_head(maps)

    def outputs(self, card: TargetCard) -> tuple[OutputSpec, ...]:
        """Returns the embedding."""
        return (OutputSpec(EMBEDDING, ("batch", width_of(card))),)

    def width(self, card: TargetCard) -> int:
        """Returns the numbers of an embedding."""
        return width_of(card)

    def refused_width(self, width: int, card: TargetCard) -> tuple[str, str] | None:
        """Returns what is expected in place of a teacher's width that the student cannot learn from."""
        return refused_width(width, card)

    def named(self, values: Tensor, card: TargetCard) -> Tensors:
        """Returns embeddings of length 1 of what an imported network gives."""
        return {EMBEDDING: of_length_1(values)}

    def output_names(
        self, said: Correspondence, lacks: Sequence[str], own: Sequence[str] | None, card: TargetCard
    ) -> tuple[str | None, ...]:
        """Returns none: the numbers of an embedding have no names."""
        if said is not None or lacks:
            field = "teacher.classes" if said is not None else "teacher.lacks"
            raise DataError(
                mismatch("recipe", field, "nothing: numbers of an embedding have no names", "some", "remove it")
            )
        return ()

    def translated(self, outputs: Tensors, names: Sequence[str | None], card: TargetCard) -> Tensors:
        """Returns them as they are."""
        return outputs


PART = EmbeddingHeads()
