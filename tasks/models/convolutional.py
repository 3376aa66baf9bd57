"""What networks for pictures share: convolutions with batch norm (Ioffe and Szegedy 2015).

A module is called by what it is in the architecture (`stage2`, `group3.block1`): recipes name layers so.
"""

from collections import OrderedDict

from torch import nn

from params.models import ResNet


def inner_widths(architecture: ResNet) -> list[tuple[int, ...]]:
    """Returns the inner width of each block, group by group."""
    blocks = architecture.blocks
    if architecture.inner is None:
        return [(width,) * blocks for width in architecture.widths]
    return [architecture.inner[group * blocks : (group + 1) * blocks] for group in range(len(architecture.widths))]


def unit(channels: int, width: int, stride: int) -> OrderedDict[str, nn.Module]:
    """Returns a 3x3 convolution, its norm and a ReLU."""
    first = convolution(channels, width, stride)
    return OrderedDict(convolution=first, norm=nn.BatchNorm2d(width), activation=nn.ReLU())


def convolution(channels: int, width: int, stride: int = 1, kernel: int = 3) -> nn.Conv2d:
    """Returns a convolution without bias that keeps the size at stride 1."""
    return nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
