"""How the values of a picture lie in memory while a network computes."""

import torch
from torch import nn

VECTOR = 8
"""float32 values that a processor with AVX2 takes at once"""


def prefer_channels_last(network: nn.Module) -> None:
    """Puts the channels of a pixel side by side, in place: convolutions on a CPU are faster so; others do not mind.

    Not where a 1x1 convolution with a stride reads fewer channels than a vector holds, such as the shortcut of a narrow
    residual block: there torch 2.13 on AVX2 writes past the end of its memory when it goes backward.
    """
    if not any(_is_unsafe(module) for module in network.modules()):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _is_unsafe(module: nn.Module) -> bool:
    if not isinstance(module, nn.Conv2d) or max(module.kernel_size) > 1 or max(module.stride) == 1:
        return False
    return module.in_channels < VECTOR
