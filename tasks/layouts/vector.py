"""Rows of numbers: (features,)."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from tasks.contracts.records import InputSpec
from tasks.layouts import INPUTS, Arrays, Draw, Values

if TYPE_CHECKING:
    from torch import Tensor


class VectorLayout:
    """Samples of one size, without padding."""

    further: tuple[str, ...] = ()
    axes: Mapping[str, Mapping[int, str]] = {INPUTS: {0: "batch"}}
    dtype: Literal["uint8", "float32"] = "float32"
    spatial = False
    sound = False
    ragged = False
    traced = False

    def features(self, shape: tuple[int, ...]) -> int:
        """Returns the number of numbers."""
        return shape[0]

    def in_words(self, spec: InputSpec) -> str:
        """Returns `vectors of 8 float32 features`."""
        return f"vectors of {spec.shape[0]} {spec.dtype} features"

    def per_feature(self, features: int) -> tuple[int, ...]:
        """Returns (features,)."""
        return (features,)

    def full(self, values: Values) -> dict[str, Values]:
        """Returns the values alone."""
        return {INPUTS: values}

    def drawn(self, spec: InputSpec, batch: int, draw: Draw) -> dict[str, Values]:
        """Returns samples of the one size."""
        return {INPUTS: draw((batch, *spec.shape))}

    def two_shapes(self, inputs: Arrays) -> tuple[dict[str, Values], dict[str, Values]]:
        """Returns the first sample alone and all; they have one size."""
        return {INPUTS: inputs[INPUTS][:1]}, {INPUTS: inputs[INPUTS]}

    def mask(self, inputs: Arrays) -> Values | None:  # noqa: ARG002 - other forms look
        """Returns None: there is no padding."""
        return None

    def flat(self, inputs: Arrays) -> Values:
        """Returns the rows as they are."""
        return inputs[INPUTS]

    def summary(self, inputs: Arrays) -> Values:
        """Returns the rows as they are."""
        return inputs[INPUTS]

    def samples(self, inputs: Arrays) -> Iterator[Values]:
        """Yields each row."""
        yield from inputs[INPUTS]

    def pooled(self, features: "Tensor", *_further: "Tensor") -> "Tensor":
        """Returns the features as they are."""
        return features

    def step_mask(self, steps: int, *further: "Tensor") -> "Tensor | None":  # noqa: ARG002 - other forms look
        """Returns None: a sample has no steps."""
        return None

    def channels_first(
        self,
        output: "Tensor",
        inputs: "Mapping[str, Tensor]",  # noqa: ARG002 - other forms look
    ) -> "tuple[Tensor, Tensor | None] | None":
        """Returns the output as it is: all layers give channels first."""
        return output, None


LAYOUT = VectorLayout()
