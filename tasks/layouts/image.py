"""Pictures: (channels, height, width)."""

from typing import TYPE_CHECKING, Literal

from tasks.layouts.vector import VectorLayout

if TYPE_CHECKING:
    from torch import Tensor


class ImageLayout(VectorLayout):
    """Pictures of one size, without padding."""

    dtype: Literal["uint8", "float32"] = "uint8"
    spatial = True

    def per_feature(self, features: int) -> tuple[int, ...]:
        """Returns (1, channels, 1, 1)."""
        return (1, features, 1, 1)

    def pooled(self, features: "Tensor", *_further: "Tensor") -> "Tensor":
        """Returns the mean over height and width of each channel."""
        from torch.nn.functional import adaptive_avg_pool2d

        return adaptive_avg_pool2d(features, 1).flatten(1)


LAYOUT = ImageLayout()
