"""A network for the bytes of files: an embedding, and convolutions over groups of bytes."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from params.models import ByteCnn
from tasks.contracts.records import InputSpec
from tasks.core.errors import RecipeError, mismatch
from tasks.models.backbone import Backbone
from tasks.models.family import Family

SYMBOLS = 257
"""bytes, and the one number for no byte"""


class Embedded(nn.Module):
    """Numbers for each byte, those of `together` bytes side by side: (batch, bytes) -> (batch, channels, positions)."""

    def __init__(self, embedding: int, together: int) -> None:
        super().__init__()
        self.table, self.together = nn.Embedding(SYMBOLS, embedding), together

    def forward(self, values: Tensor, *_further: Tensor) -> Tensor:
        """Returns the numbers of raw bytes 0 to 256; others count as the nearest of them."""
        found: Tensor = self.table(values.clamp(0, SYMBOLS - 1).round().to(torch.int64))
        batch, size, width = found.shape
        return found.reshape(batch, size // self.together, self.together * width).transpose(1, 2)


class Peak(nn.Module):
    """The largest value of each channel: (batch, channels, positions) -> (batch, channels)."""

    def forward(self, values: Tensor, *_further: Tensor) -> Tensor:
        """Returns the largest values."""
        return values.amax(dim=2)


def build_byte_cnn(architecture: ByteCnn, spec: InputSpec) -> Backbone:
    """Returns `embed`, `stage1`, `stage2`, ..., `peak`.

    Raises:
        RecipeError: the bytes are no whole number of groups.
    """
    require_groups(architecture, spec)
    layers: OrderedDict[str, nn.Module] = OrderedDict(embed=Embedded(architecture.embedding, architecture.together))
    width, kernel = architecture.embedding * architecture.together, architecture.kernel
    for number, channels in enumerate(architecture.channels, start=1):
        stage = {
            "convolution": nn.Conv1d(width, channels, kernel, padding=kernel // 2, bias=False),
            "norm": nn.BatchNorm1d(channels),
            "activation": nn.ReLU(),
        }
        layers[f"stage{number}"] = nn.Sequential(OrderedDict(stage))
        width = channels
    layers["peak"] = Peak()
    return Backbone(layers, {"peak": width}, "vector", architecture.dropout)


def require_groups(architecture: ByteCnn, spec: InputSpec) -> None:
    """Checks that the bytes of a sample are a whole number of groups.

    Raises:
        RecipeError: some are left over.
    """
    if spec.shape[0] % architecture.together:
        field, got = "architecture.together", f"{spec.shape[0]} bytes in groups of {architecture.together}"
        do = "take a divisor of `first` and `last` of the reader, together"
        raise RecipeError([mismatch("recipe", field, "whole groups of bytes", got, do)])


ARCHITECTURE = Family(build_byte_cnn, layouts=("vector",), normalises=False)
