"""Networks for images: a plain CNN, and a residual network of basic blocks (He et al. 2016, arXiv:1512.03385)."""

from torch import Tensor, nn

from params.models import Cnn, ResNet
from tasks.records import InputSpec

SMALLEST_SIDE = 4
"""pictures of this side or smaller are not halved again: nothing would be left to see"""


def build_cnn(architecture: Cnn, spec: InputSpec, outputs: int) -> nn.Sequential:
    """Returns convolution, batch norm, ReLU per entry of `channels`, halved by max pooling; global mean; linear."""
    channels, *sides = spec.shape
    layers: list[nn.Module] = []
    for width in architecture.channels:
        layers += [_convolution(channels, width), nn.BatchNorm2d(width), nn.ReLU()]
        if min(sides) > SMALLEST_SIDE:
            layers.append(nn.MaxPool2d(2))
            sides = [side // 2 for side in sides]
        channels = width
    return nn.Sequential(*layers, *_head(channels, outputs, architecture.dropout))


def build_resnet(architecture: ResNet, spec: InputSpec, outputs: int) -> nn.Sequential:
    """Returns a stem, then per width a group of `blocks` basic blocks, the first of which halves the picture."""
    channels, first = spec.shape[0], architecture.widths[0]
    layers: list[nn.Module] = [_convolution(channels, first), nn.BatchNorm2d(first), nn.ReLU()]
    channels = first
    for group, width in enumerate(architecture.widths):
        for block in range(architecture.blocks):
            stride = 2 if group > 0 and block == 0 else 1
            layers.append(BasicBlock(channels, width, stride))
            channels = width
    return nn.Sequential(*layers, *_head(channels, outputs, architecture.dropout))


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            _convolution(channels, width, stride),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            _convolution(width, width),
            nn.BatchNorm2d(width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(_convolution(channels, width, stride, kernel=1), nn.BatchNorm2d(width))
        self.activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns (batch, width, height / stride, width / stride)."""
        output: Tensor = self.activation(self.path(inputs) + self.shortcut(inputs))
        return output


def _convolution(channels: int, width: int, stride: int = 1, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)


def _head(channels: int, outputs: int, dropout: float) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels, outputs)]
