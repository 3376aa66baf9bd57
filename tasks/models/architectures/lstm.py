"""LSTM or GRU, and a mean over the frames that are no padding."""

import torch
from torch import Tensor, nn

from params.models import Recurrent
from tasks.contracts.records import InputSpec
from tasks.models.family import Family
from tasks.models.recurrent import mean_over_frames, reversed_frames


class RecurrentNet(nn.Module):
    """`layer1`, `layer2`, ... of cells, dropout behind each, mean over the frames, linear `head`.

    Padding cannot reach what is before it.
    """

    def __init__(self, architecture: Recurrent, spec: InputSpec, outputs: int) -> None:
        super().__init__()
        self.names = tuple(f"layer{number + 1}" for number in range(architecture.layers))
        width = spec.features
        for name in self.names:
            self.add_module(name, RecurrentLayer(architecture, width))
            width = architecture.hidden * (2 if architecture.bidirectional else 1)
        self.dropout = nn.Dropout(architecture.dropout)
        self.head = nn.Linear(width, outputs)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Returns logits (batch, outputs) from inputs (batch, frames, features) and lengths (batch,)."""
        logits: Tensor = self.head(mean_over_frames(self._frames(inputs, lengths), lengths))
        return logits

    def step_logits(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Returns the logits (batch, frames, outputs) of each frame; their mean over the frames is `forward`."""
        logits: Tensor = self.head(self._frames(inputs, lengths))
        return logits

    def _frames(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        frames = inputs
        for name in self.names:
            frames = self.dropout(self.get_submodule(name)(frames, lengths))
        return frames


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


ARCHITECTURE = Family(RecurrentNet, layouts=("sequence",))
