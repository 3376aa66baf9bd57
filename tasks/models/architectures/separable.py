"""A narrow network of residual depthwise separable blocks, for pictures of which each place matters.

Each group says what is where at half the resolution of the one before; dilated blocks see far without a coarser map.

In the spirit of MobileNets (Howard et al. 2017, arXiv:1704.04861) and of the dilations of ESPNet (Mehta et al. 2018,
arXiv:1803.06815), without their branches: few large operators are what one core does fastest.
"""

from collections import OrderedDict

from torch import Tensor, nn

from params.models import Separable
from tasks.contracts.records import InputSpec
from tasks.models.backbone import Backbone
from tasks.models.convolutional import unit
from tasks.models.family import Family


def build_separable(architecture: Separable, spec: InputSpec) -> Backbone:
    """Returns `stem`, then per further width a `group` that halves the picture and refines it with blocks."""
    channels = architecture.widths[0]
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Sequential(unit(spec.shape[0], channels, stride=2)))
    maps = {"stem": channels}
    for number, (width, blocks) in enumerate(architecture.groups, start=1):
        parts: OrderedDict[str, nn.Module] = OrderedDict(down=nn.Sequential(unit(channels, width, stride=2)))
        last = number == len(architecture.groups)
        for block in range(blocks):
            dilation = architecture.dilations[block % len(architecture.dilations)] if last else 1
            parts[f"block{block + 1}"] = SeparableBlock(width, dilation)
        layers[f"group{number}"] = nn.Sequential(parts)
        maps[f"group{number}"] = channels = width
    return Backbone(layers, maps, "image", architecture.dropout)


class SeparableBlock(nn.Module):
    """Filters each channel by itself, mixes the channels, and adds what came in."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        path = {
            "depthwise": nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, groups=width, bias=False),
            "norm1": nn.BatchNorm2d(width),
            "activation1": nn.ReLU(),
            "pointwise": nn.Conv2d(width, width, 1, bias=False),
            "norm2": nn.BatchNorm2d(width),
        }
        self.path = nn.Sequential(OrderedDict(path))
        self.activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns (batch, width, height, width of the picture)."""
        output: Tensor = self.activation(inputs + self.path(inputs))
        return output


ARCHITECTURE = Family(build_separable, layouts=("image",))
