"""Forms of input: one module each, found by its name (`layout` of an `InputSpec`). Other code asks for no form.

Of numpy and torch, each method imports torch only where it needs it: data stages work without it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

from numpy.typing import NDArray

from tasks.contracts.records import InputSpec
from tasks.core.plugins import load

if TYPE_CHECKING:
    from torch import Tensor

Values = NDArray[Any]
Arrays = Mapping[str, Values]
Draw = Callable[[tuple[int, ...]], Values]
"""shape -> numbers"""
INPUTS = "inputs"


class InputLayout(Protocol):
    """`LAYOUT` of each module of this package. Inputs are named arrays, of which `inputs` is always one."""

    further: tuple[str, ...]
    """names of the inputs behind `inputs`, in the order in which networks and ONNX files take them"""
    axes: Mapping[str, Mapping[int, str]]
    """axes of each ONNX input that may have any length"""
    dtype: Literal["uint8", "float32"]
    """of values as readers give them"""
    spatial: bool
    """whether samples are (channels, height, width), which augmentation may turn, move and cut"""
    sound: bool
    """whether samples are clips of sound, which augmentation may move in time and mix with noise"""
    ragged: bool
    """whether the first axis of a sample may have any length"""
    traced: bool
    """whether export traces the network, since torch.export cannot follow it"""

    def features(self, shape: tuple[int, ...]) -> int:
        """Returns the number of channels or features of a sample: the axis that the statistics are over."""

    def in_words(self, spec: InputSpec) -> str:
        """Returns what samples are; how long the longest is where lengths differ, is no part of that."""

    def per_feature(self, features: int) -> tuple[int, ...]:
        """Returns the shape of one number per channel or feature that goes along with a batch."""

    def full(self, values: Values) -> dict[str, Values]:
        """Returns the inputs that a batch (n, ...) makes where no sample is padded."""

    def drawn(self, spec: InputSpec, batch: int, draw: Draw) -> dict[str, Values]:
        """Returns `batch` samples of what `draw` gives: one alone is short, several are of unequal sizes, padded."""

    def two_shapes(self, inputs: Arrays) -> tuple[dict[str, Values], dict[str, Values]]:
        """Returns the first sample alone, and the same one among the others, at another size where there are sizes."""

    def mask(self, inputs: Arrays) -> Values | None:
        """Returns what of the values is no padding, shaped to go along with them; None where there is none."""

    def flat(self, inputs: Arrays) -> Values:
        """Returns the values of all samples together, (values, channels or features), without padding."""

    def summary(self, inputs: Arrays) -> Values:
        """Returns numbers (n, numbers) that stand for each sample where two sets of samples are compared."""

    def samples(self, inputs: Arrays) -> Iterator[Values]:
        """Yields the values of each sample without its padding."""

    def pooled(self, features: "Tensor", *further: "Tensor") -> "Tensor":
        """Returns a feature map (batch, ...) as (batch, channels)."""

    def step_mask(self, steps: int, *further: "Tensor") -> "Tensor | None":
        """Returns (batch, steps) which steps of each sample are no padding; None where samples have no steps."""

    def channels_first(self, output: "Tensor", inputs: Mapping[str, "Tensor"]) -> "tuple[Tensor, Tensor | None] | None":
        """Returns what a layer gave as (batch, channels, *positions), and a float mask of positions (batch, ...).

        The mask is None where nothing is padding; all is None where a layer gave something else.
        """


def find_layout(name: str) -> InputLayout:
    """Returns a form of input by its name."""
    found: InputLayout = load("tasks.layouts.{}", name).LAYOUT
    return found
