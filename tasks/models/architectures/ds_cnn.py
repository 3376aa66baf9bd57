"""Depthwise separable convolutions: small, and as fast as small (Zhang et al. 2017, arXiv:1711.07128)."""

from collections import OrderedDict

from torch import nn

from params.audio.networks import DsCnn
from tasks.contracts.records import InputSpec
from tasks.models.backbone import Backbone
from tasks.models.family import Family

STEM = (4, 10)
"""of the first convolution, frequency by time; it takes every second of both"""


def build_ds_cnn(architecture: DsCnn, spec: InputSpec) -> Backbone:
    """Returns `stem`, then `block1`, `block2`, ..., all of one width and size."""
    width = architecture.channels
    padding = (STEM[0] // 2, STEM[1] // 2)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem=_unit(nn.Conv2d(spec.shape[0], width, STEM, stride=2, padding=padding, bias=False))
    )
    for number in range(1, architecture.blocks + 1):
        layers[f"block{number}"] = nn.Sequential(
            OrderedDict(
                depthwise=_unit(nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)),
                pointwise=_unit(nn.Conv2d(width, width, 1, bias=False)),
            )
        )
    return Backbone(layers, dict.fromkeys(layers, width), "image", architecture.dropout)


def _unit(convolution: nn.Conv2d) -> nn.Sequential:
    norm = nn.BatchNorm2d(convolution.out_channels)
    return nn.Sequential(OrderedDict(convolution=convolution, norm=norm, activation=nn.ReLU()))


ARCHITECTURE = Family(build_ds_cnn, layouts=("image",))
