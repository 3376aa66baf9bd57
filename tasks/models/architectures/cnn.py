"""A plain convolutional network."""

from collections import OrderedDict

from torch import nn

from params.models import Cnn
from tasks.contracts.records import InputSpec
from tasks.models.backbone import Backbone
from tasks.models.convolutional import unit
from tasks.models.family import Family

SMALLEST_SIDE = 4
"""pictures of this side or smaller are not halved again: nothing would be left to see"""


def build_cnn(architecture: Cnn, spec: InputSpec) -> Backbone:
    """Returns `stage1`, `stage2`, ...: convolution, norm, activation, halved by a max pool."""
    channels, *sides = spec.shape
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    stride: int = architecture.stem_stride
    for number, width in enumerate(architecture.channels, start=1):
        stage = unit(channels, width, stride)
        sides = [-(-side // stride) for side in sides]
        if min(sides) > SMALLEST_SIDE:
            stage["pool"] = nn.MaxPool2d(2)
            sides = [side // 2 for side in sides]
        layers[f"stage{number}"] = nn.Sequential(stage)
        channels, stride = width, 1
    maps = {f"stage{number}": width for number, width in enumerate(architecture.channels, start=1)}
    return Backbone(layers, maps, "image", architecture.dropout)


ARCHITECTURE = Family(build_cnn, layouts=("image",))
