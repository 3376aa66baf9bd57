"""Networks for images: a plain CNN, and a residual network of basic blocks (He et al. 2016, arXiv:1512.03385).

A module is called by what it is in the architecture (`stage2`, `group3.block1`, `head`): recipes name layers so.
"""

from collections import OrderedDict

from torch import Tensor, nn

from params.models import Cnn, ResNet
from tasks.contracts.records import InputSpec

SMALLEST_SIDE = 4
"""pictures of this side or smaller are not halved again: nothing would be left to see"""


def build_cnn(architecture: Cnn, spec: InputSpec, outputs: int) -> nn.Sequential:
    """Returns `stage1`, `stage2`, ...: convolution, norm, activation, halved by a max pool; then `head`."""
    channels, *sides = spec.shape
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    stride: int = architecture.stem_stride
    for number, width in enumerate(architecture.channels, start=1):
        stage = _unit(channels, width, stride)
        sides = [-(-side // stride) for side in sides]
        if min(sides) > SMALLEST_SIDE:
            stage["pool"] = nn.MaxPool2d(2)
            sides = [side // 2 for side in sides]
        layers[f"stage{number}"] = nn.Sequential(stage)
        channels, stride = width, 1
    layers["head"] = _head(channels, outputs, architecture.dropout)
    return nn.Sequential(layers)


def build_resnet(architecture: ResNet, spec: InputSpec, outputs: int) -> nn.Sequential:
    """Returns `stem`, then per width a `group` of basic blocks, the first of which halves the picture; then `head`."""
    channels = architecture.widths[0]
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=_stem(architecture, spec.shape[0]))
    for group, width in enumerate(architecture.widths):
        blocks: OrderedDict[str, nn.Module] = OrderedDict()
        for block, inner in enumerate(inner_widths(architecture)[group]):
            stride = 2 if group > 0 and block == 0 else 1
            blocks[f"block{block + 1}"] = BasicBlock(channels, inner, width, stride)
            channels = width
        layers[f"group{group + 1}"] = nn.Sequential(blocks)
    layers["head"] = _head(channels, outputs, architecture.dropout)
    return nn.Sequential(layers)


def inner_widths(architecture: ResNet) -> list[tuple[int, ...]]:
    """Returns the inner width of each block, group by group."""
    blocks = architecture.blocks
    if architecture.inner is None:
        return [(width,) * blocks for width in architecture.widths]
    return [architecture.inner[group * blocks : (group + 1) * blocks] for group in range(len(architecture.widths))]


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, channels: int, inner: int, width: int, stride: int) -> None:
        super().__init__()
        path = {
            "convolution1": _convolution(channels, inner, stride),
            "norm1": nn.BatchNorm2d(inner),
            "activation": nn.ReLU(),
            "convolution2": _convolution(inner, width),
            "norm2": nn.BatchNorm2d(width),
        }
        self.path = nn.Sequential(OrderedDict(path))
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            convolution = _convolution(channels, width, stride, kernel=1)
            self.shortcut = nn.Sequential(OrderedDict(convolution=convolution, norm=nn.BatchNorm2d(width)))
        self.activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns (batch, width, height / stride, width / stride)."""
        output: Tensor = self.activation(self.path(inputs) + self.shortcut(inputs))
        return output


def _stem(architecture: ResNet, channels: int) -> nn.Sequential:
    stem = _unit(channels, architecture.widths[0], stride=min(architecture.stem_stride, 2))
    if architecture.stem_stride == 4:
        stem["pool"] = nn.MaxPool2d(3, stride=2, padding=1)
    return nn.Sequential(stem)


def _unit(channels: int, width: int, stride: int) -> OrderedDict[str, nn.Module]:
    convolution = _convolution(channels, width, stride)
    return OrderedDict(convolution=convolution, norm=nn.BatchNorm2d(width), activation=nn.ReLU())


def _convolution(channels: int, width: int, stride: int = 1, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)


def _head(channels: int, outputs: int, dropout: float) -> nn.Sequential:
    head = {
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "dropout": nn.Dropout(dropout),
        "linear": nn.Linear(channels, outputs),
    }
    return nn.Sequential(OrderedDict(head))
