"""Networks for vectors: table rows, or small pictures taken as one row of numbers."""

from math import prod

from torch import nn

from params.models import Mlp
from tasks.records import InputSpec


def build_mlp(architecture: Mlp, spec: InputSpec, outputs: int) -> nn.Sequential:
    """Returns linear, batch norm, ReLU per entry of `hidden`, then a linear head."""
    width = prod(spec.shape)
    layers: list[nn.Module] = [nn.Flatten()]
    for hidden in architecture.hidden:
        layers += [nn.Linear(width, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()]
        layers.append(nn.Dropout(architecture.dropout))
        width = hidden
    return nn.Sequential(*layers, nn.Linear(width, outputs))
