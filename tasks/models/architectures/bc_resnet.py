"""Broadcasted residual network (Kim et al. 2021, arXiv:2106.04140), for pictures (1, frequency, time)."""

from collections import OrderedDict

from torch import Tensor, nn

from params.audio.networks import BcResNet
from tasks.contracts.records import InputSpec
from tasks.models.backbone import Backbone
from tasks.models.family import Family

STEM, LAST = 16, 32
STAGES = ((8, 2, 1), (12, 2, 2), (16, 4, 2), (20, 4, 1))
"""width, blocks, and how many frequencies become one in the first of them; of scale 1 (table 1 of the paper)"""


def build_bc_resnet(architecture: BcResNet, spec: InputSpec) -> Backbone:
    """Returns `stem`, then `stage1` to `stage4` of blocks, then `last`."""

    def width(base: int) -> int:
        return max(1, round(base * architecture.scale))

    channels = width(STEM)
    stem = nn.Conv2d(spec.shape[0], channels, 5, stride=(2, 1), padding=2, bias=False)
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Sequential(stem, nn.BatchNorm2d(channels), nn.ReLU()))
    maps = {"stem": channels}
    for number, (base, count, stride) in enumerate(STAGES):
        blocks: OrderedDict[str, nn.Module] = OrderedDict()
        for block in range(count):
            step = stride if block == 0 else 1
            blocks[f"block{block + 1}"] = BroadcastBlock(channels, width(base), step, 2**number, architecture.dropout)
            channels = width(base)
        layers[f"stage{number + 1}"] = nn.Sequential(blocks)
        maps[f"stage{number + 1}"] = channels
    layers["last"] = _last(channels, width(LAST))
    return Backbone(layers, {**maps, "last": width(LAST)}, "image")


class BroadcastBlock(nn.Module):
    """What is found along time in the mean over frequency is added to every frequency.

    Args:
        channels: that come in.
        width: that go out; where they are others, a 1x1 convolution comes first and there is no shortcut.
        stride: frequencies that become one.
        dilation: frames between the three that are looked at.
        dropout: of whole channels.
    """

    def __init__(self, channels: int, width: int, stride: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.shortcut = channels == width and stride == 1
        wider = [nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        along_frequency = nn.Conv2d(width, width, (3, 1), (stride, 1), padding=(1, 0), groups=width, bias=False)
        self.frequency = nn.Sequential(*([] if channels == width else wider), along_frequency, nn.BatchNorm2d(width))
        self.time = nn.Sequential(
            nn.Conv2d(width, width, (1, 3), padding=(0, dilation), dilation=(1, dilation), groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 1, bias=False),
            nn.Dropout2d(dropout),
        )
        self.activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns (batch, width, frequencies / stride, frames) of (batch, channels, frequencies, frames)."""
        local: Tensor = self.frequency(inputs)
        output = local + self.time(local.mean(dim=2, keepdim=True))
        if self.shortcut:
            output = output + inputs
        activated: Tensor = self.activation(output)
        return activated


def _last(channels: int, width: int) -> nn.Sequential:
    """Returns a depthwise convolution and a wider 1x1 convolution."""
    depthwise = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False)
    pointwise = nn.Conv2d(channels, width, 1, bias=False)
    return nn.Sequential(depthwise, nn.BatchNorm2d(channels), pointwise, nn.BatchNorm2d(width), nn.ReLU())


ARCHITECTURE = Family(build_bc_resnet, layouts=("image",))
