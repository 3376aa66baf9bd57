"""A single layer of neurons."""

from collections import OrderedDict
from math import prod
from typing import Any

from torch import nn

from tasks.contracts.records import InputSpec
from tasks.models.backbone import Backbone
from tasks.models.family import Family


def build_one_layer(architecture: Any, spec: InputSpec) -> Backbone:
    """Returns `layer1`: linear and tanh."""
    layer = nn.Sequential(nn.Linear(prod(spec.shape), architecture.width), nn.Tanh())
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten(), layer1=layer)
    return Backbone(layers, {"layer1": architecture.width}, "vector")


ARCHITECTURE = Family(build_one_layer, layouts=("image", "vector"))
