"""Arithmetic in bf16, for processors that have it."""

from typing import Any

import torch
from torch import Tensor, nn


class Narrowed(nn.Module):
    """A network that computes in bf16 and answers in fp32, so that losses are taken in fp32; its weights stay fp32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor, *arguments: Any, **options: Any) -> Any:
        """Returns what the network returns."""
        with torch.autocast(inputs.device.type, torch.bfloat16):
            outputs = self.network(inputs, *arguments, **options)
        return tuple(output.float() for output in outputs) if isinstance(outputs, tuple) else outputs.float()
