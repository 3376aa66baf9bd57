"""Networks for vectors: table rows, or small pictures taken as one row of numbers."""

from collections import OrderedDict
from math import prod

from torch import nn

from params.models import Mlp
from tasks.contracts.records import InputSpec
from tasks.models.backbone import Backbone
from tasks.models.family import Family


def build_mlp(architecture: Mlp, spec: InputSpec) -> Backbone:
    """Returns `hidden1`, `hidden2`, ...: linear, norm, activation, dropout."""
    width = prod(spec.shape)
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    for number, hidden in enumerate(architecture.hidden, start=1):
        layer = {
            "linear": nn.Linear(width, hidden, bias=False),
            "norm": nn.BatchNorm1d(hidden),
            "activation": nn.ReLU(),
            "dropout": nn.Dropout(architecture.dropout),
        }
        layers[f"hidden{number}"] = nn.Sequential(OrderedDict(layer))
        width = hidden
    maps = {f"hidden{number}": hidden for number, hidden in enumerate(architecture.hidden, start=1)}
    return Backbone(layers, maps, "vector")


ARCHITECTURE = Family(build_mlp, layouts=("image", "vector"))
