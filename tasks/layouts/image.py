"""Pictures: (channels, height, width)."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from tasks.contracts.records import InputSpec
from tasks.layouts import INPUTS, Arrays, Values
from tasks.layouts.vector import VectorLayout

if TYPE_CHECKING:
    from torch import Tensor


class ImageLayout(VectorLayout):
    """Pictures of one size, without padding."""

    dtype: Literal["uint8", "float32"] = "uint8"
    spatial = True

    def features(self, shape: tuple[int, ...]) -> int:
        """Returns the number of channels."""
        return shape[0]

    def in_words(self, spec: InputSpec) -> str:
        """Returns `uint8 images of 3 x 32 x 32`."""
        return f"{spec.dtype} images of {' x '.join(map(str, spec.shape))}"

    def flat(self, inputs: Arrays) -> Values:
        """Returns (pixels, channels)."""
        values = inputs[INPUTS]
        return np.moveaxis(values, 1, -1).reshape(-1, values.shape[1])

    def summary(self, inputs: Arrays) -> Values:
        """Returns the mean and the standard deviation of each channel."""
        values = inputs[INPUTS]
        return np.concatenate([values.mean(axis=(2, 3)), values.std(axis=(2, 3))], axis=1)

    def per_feature(self, features: int) -> tuple[int, ...]:
        """Returns (1, channels, 1, 1)."""
        return (1, features, 1, 1)

    def pooled(self, features: "Tensor", *_further: "Tensor") -> "Tensor":
        """Returns the mean over height and width of each channel."""
        from torch.nn.functional import adaptive_avg_pool2d

        return adaptive_avg_pool2d(features, 1).flatten(1)


LAYOUT = ImageLayout()
