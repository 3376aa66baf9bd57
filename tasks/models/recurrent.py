"""Networks for sequences: LSTM or GRU, and a mean over the frames that are there."""

import torch
from torch import Tensor, nn

from params.models import Recurrent
from tasks.records import InputSpec


class RecurrentNet(nn.Module):
    """Runs forward in time only, so that padding behind a sequence cannot reach the frames before it."""

    def __init__(self, architecture: Recurrent, spec: InputSpec, outputs: int) -> None:
        super().__init__()
        cell = nn.LSTM if architecture.kind == "lstm" else nn.GRU
        between_layers = architecture.dropout if architecture.layers > 1 else 0.0
        self.cell = cell(
            spec.features, architecture.hidden, architecture.layers, batch_first=True, dropout=between_layers
        )
        self.dropout = nn.Dropout(architecture.dropout)
        self.head = nn.Linear(architecture.hidden, outputs)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Returns logits (batch, outputs) from inputs (batch, frames, features) and lengths (batch,)."""
        frames: Tensor = self.cell(inputs)[0]
        logits: Tensor = self.head(self.dropout(mean_over_frames(frames, lengths)))
        return logits


def mean_over_frames(frames: Tensor, lengths: Tensor) -> Tensor:
    """Returns the mean (batch, hidden) of frames (batch, time, hidden) over the first `lengths` of each sequence."""
    time = torch.arange(frames.shape[1], device=frames.device)
    there = (time.unsqueeze(0) < lengths.unsqueeze(1)).to(frames.dtype)
    total = (frames * there.unsqueeze(2)).sum(dim=1)
    return total / lengths.to(frames.dtype).unsqueeze(1)
