"""Arithmetic in bf16, for processors that have it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from params.training import Training
from tasks.kinds.contract import Tensors

MULTIPLIES_BF16 = ("amx_bf16", "avx512_bf16", "bf16")
"""of `torch.cpu.get_capabilities`; the last one is Arm's"""


def with_precision(network: nn.Module, params: Training, device: torch.device) -> nn.Module:
    """Returns `network` so that it computes with the precision that is asked for; the weights are the same ones."""
    narrow = params.precision == "bf16" or (params.precision == "auto" and has_bf16(device))
    return Bf16Autocast(network) if narrow else network


def has_bf16(device: torch.device) -> bool:
    """Returns whether the processor multiplies bf16 itself; where it has to be imitated, it is slower than fp32."""
    match device.type:
        case "cpu":
            return any(torch.cpu.get_capabilities().get(name) for name in MULTIPLIES_BF16)
        case "cuda":
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
        case _:
            return False


class Bf16Autocast(nn.Module):
    """A network that computes in bf16 and answers in fp32, so that losses are taken in fp32; its weights stay fp32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensors, **options: Any) -> Any:
        """Returns what the network returns."""
        device = next(iter(inputs.values())).device
        with torch.autocast(device.type, torch.bfloat16), _GroupedInFp32() if device.type == "cpu" else nullcontext():
            outputs = self.network(inputs, **options)
        return tuple(map(_in_fp32, outputs)) if isinstance(outputs, tuple) else _in_fp32(outputs)


class _GroupedInFp32(TorchFunctionMode):
    """Convolutions in groups, as depthwise ones are, compute in fp32 and answer in the precision of their input.

    torch 2.13 takes twice as long for them in bf16 on a CPU, going backward. A mode, since it finds them in every
    network, a stranger's too.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return (_convolved if function is torch.conv2d else function)(*args, **(kwargs or {}))


def _convolved(input: Tensor, weight: Tensor, *others: Any, **named: Any) -> Tensor:  # noqa: A002 - torch's own names
    if weight.shape[1] == input.shape[-3]:
        return torch.conv2d(input, weight, *others, **named)
    with torch.autocast("cpu", enabled=False):
        return torch.conv2d(input.float(), weight, *others, **named).to(input.dtype)


def _in_fp32(outputs: Tensors) -> dict[str, Tensor]:
    return {name: value.float() if value.is_floating_point() else value for name, value in outputs.items()}
