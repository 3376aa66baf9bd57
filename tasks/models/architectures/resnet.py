"""A residual network of basic blocks (He et al. 2016, arXiv:1512.03385)."""

from collections import OrderedDict

from torch import Tensor, nn

from params.models import ResNet
from tasks.contracts.records import InputSpec
from tasks.models.backbone import Backbone
from tasks.models.convolutional import convolution, inner_widths, unit
from tasks.models.family import Family


def build_resnet(architecture: ResNet, spec: InputSpec) -> Backbone:
    """Returns `stem`, then per width a `group` of basic blocks, the first of which halves the picture."""
    channels = architecture.widths[0]
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=_stem(architecture, spec.shape[0]))
    for group, width in enumerate(architecture.widths):
        blocks: OrderedDict[str, nn.Module] = OrderedDict()
        for block, inner in enumerate(inner_widths(architecture)[group]):
            stride = 2 if group > 0 and block == 0 else 1
            blocks[f"block{block + 1}"] = BasicBlock(channels, inner, width, stride)
            channels = width
        layers[f"group{group + 1}"] = nn.Sequential(blocks)
    maps = {f"group{group}": width for group, width in enumerate(architecture.widths, start=1)}
    return Backbone(layers, maps, "image", architecture.dropout)


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, channels: int, inner: int, width: int, stride: int) -> None:
        super().__init__()
        path = {
            "convolution1": convolution(channels, inner, stride),
            "norm1": nn.BatchNorm2d(inner),
            "activation": nn.ReLU(),
            "convolution2": convolution(inner, width),
            "norm2": nn.BatchNorm2d(width),
        }
        self.path = nn.Sequential(OrderedDict(path))
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            narrow = convolution(channels, width, stride, kernel=1)
            self.shortcut = nn.Sequential(OrderedDict(convolution=narrow, norm=nn.BatchNorm2d(width)))
        self.activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns (batch, width, height / stride, width / stride)."""
        output: Tensor = self.activation(self.path(inputs) + self.shortcut(inputs))
        return output


def _stem(architecture: ResNet, channels: int) -> nn.Sequential:
    stem = unit(channels, architecture.widths[0], stride=min(architecture.stem_stride, 2))
    if architecture.stem_stride == 4:
        stem["pool"] = nn.MaxPool2d(3, stride=2, padding=1)
    return nn.Sequential(stem)


ARCHITECTURE = Family(build_resnet, layouts=("image",))
