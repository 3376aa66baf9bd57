"""LSTM or GRU, in one or both directions of time."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from params.models import Recurrent
from tasks.contracts.records import InputSpec
from tasks.models.backbone import Backbone
from tasks.models.family import Family
from tasks.models.recurrent import reversed_frames


def build_recurrent(architecture: Recurrent, spec: InputSpec) -> Backbone:
    """Returns `layer1`, `dropout1`, `layer2`, ...; padding cannot reach what is before it."""
    width, layers = spec.shape[-1], OrderedDict[str, nn.Module]()
    for number in range(1, architecture.layers + 1):
        layers[f"layer{number}"] = RecurrentLayer(architecture, width)
        layers[f"dropout{number}"] = FrameDropout(architecture.dropout)
        width = architecture.hidden * (2 if architecture.bidirectional else 1)
    return Backbone(layers, {name: width for name in layers if name.startswith("dropout")}, "sequence")


class FrameDropout(nn.Module):
    """Dropout of single values of frames."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, frames: Tensor, _lengths: Tensor) -> Tensor:
        """Returns frames of equal shape."""
        return functional.dropout(frames, self.probability, self.training)


class RecurrentLayer(nn.Module):
    """One LSTM or GRU forward in time and, where asked for, one backward from the last frame that is there.

    torch's own bidirectional cell would begin with the padding unless sequences are packed, and packed sequences do not
    export to ONNX.
    """

    def __init__(self, architecture: Recurrent, width: int) -> None:
        super().__init__()
        cell = nn.LSTM if architecture.kind == "lstm" else nn.GRU
        self.onward = cell(width, architecture.hidden, batch_first=True)
        self.homeward = cell(width, architecture.hidden, batch_first=True) if architecture.bidirectional else None

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Returns (batch, frames, hidden), or twice hidden where both directions are there."""
        onward: Tensor = self.onward(frames)[0]
        if self.homeward is None:
            return onward
        homeward = reversed_frames(self.homeward(reversed_frames(frames, lengths))[0], lengths)
        return torch.cat([onward, homeward], dim=2)


ARCHITECTURE = Family(build_recurrent, layouts=("sequence",))
