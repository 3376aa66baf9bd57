"""EfficientNet-Lite (Liu and Tan 2020, the TensorFlow team's EfficientNet of Tan and Le 2019, arXiv:1905.11946, without
squeeze-and-excite and with ReLU6): accurate and well known on phones; its depthwise convolutions are slow on a CPU.

The layers are those of the published checkpoints, so that their weights fit; `stages` and `last_blocks` cut them short.
"""

from collections import OrderedDict
from math import ceil

from torch import Tensor, nn

from params.models import EfficientNetLite
from tasks.contracts.records import InputSpec
from tasks.models.backbone import Backbone
from tasks.models.family import Family

# (blocks, kernel, stride, expansion, width) of each stage, table 1 of the paper.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
WIDTH_AND_DEPTH = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2), 3: (1.2, 1.4), 4: (1.4, 1.8)}
STEM, TOP = 32, 1280
NORM = {"eps": 1e-3, "momentum": 0.1}
"""epsilon as in the checkpoints; the momentum is torch's: theirs (0.01) needs more steps than a small data set has"""


def build_efficientnet_lite(architecture: EfficientNetLite, spec: InputSpec) -> Backbone:
    """Returns stem, `stage1` ... and, where all seven are there, `top`."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=_unit(spec.shape[0], STEM, kernel=3, stride=2))
    channels = STEM
    for number, (blocks, width) in enumerate(_stages(architecture), start=1):
        _, kernel, stride, expansion, _ = STAGES[number - 1]
        stride = architecture.stage1_stride if number == 1 else stride
        layers[f"stage{number}"] = nn.Sequential(
            *(
                InvertedResidual(width if block else channels, width, kernel, 1 if block else stride, expansion)
                for block in range(blocks)
            )
        )
        channels = width
    maps = {f"stage{number}": width for number, (_, width) in enumerate(_stages(architecture), start=1)}
    if architecture.stages == len(STAGES):
        layers["top"], maps["top"] = _unit(channels, TOP), TOP
    return Backbone(layers, maps, "image", architecture.dropout)


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow (Sandler 2018, arXiv:1801.04381); a shortcut where shapes agree."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels * expansion
        units: OrderedDict[str, nn.Module] = OrderedDict()
        if expansion > 1:
            units["expand"] = _unit(channels, inner)
        units["depthwise"] = _unit(inner, inner, kernel, stride, groups=inner)
        units["project"] = _unit(inner, width, activated=False)
        self.path = nn.Sequential(units)
        self.shortcut = stride == 1 and channels == width

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns (batch, width, height / stride, width / stride)."""
        output: Tensor = self.path(inputs)
        return inputs + output if self.shortcut else output


def published_name(name: str, architecture: EfficientNetLite) -> str | None:
    """Returns how the published PyTorch checkpoints call one of our tensors; None for what they do not have.

    They count the blocks of all stages in one row: `_blocks.4._project_conv.weight`.
    """
    part, _, rest = name.partition(".")
    if part == "head" or name.endswith("num_batches_tracked"):
        return None
    kind, _, tensor = rest.rpartition(".")
    if part in ("stem", "top"):
        number = {"stem": 0, "top": 1}[part]
        return (
            f"_conv_{'stem' if part == 'stem' else 'head'}.{tensor}"
            if "convolution" in kind
            else f"_bn{number}.{tensor}"
        )
    before = sum(blocks for blocks, _ in _published(architecture)[: int(part.removeprefix("stage")) - 1])
    return _name_in_block(before, kind, tensor)


def _name_in_block(before: int, kind: str, tensor: str) -> str:
    block, _, unit, layer = kind.split(".")
    place = before + int(block)
    if layer == "convolution":
        return f"_blocks.{place}._{unit}_conv.{tensor}"
    return f"_blocks.{place}._bn{('expand', 'depthwise', 'project').index(unit)}.{tensor}"


def _stages(architecture: EfficientNetLite) -> list[tuple[int, int]]:
    """Returns (blocks, width) of the stages that are there."""
    stages, counts = _published(architecture), architecture.last_blocks or ()
    first = len(stages) - len(counts)
    return stages[:first] + [(own, width) for own, (_, width) in zip(counts, stages[first:], strict=True)]


def _published(architecture: EfficientNetLite) -> list[tuple[int, int]]:
    """Returns the same as published; the first and the last of all seven stages never get deeper."""
    wider, deeper = WIDTH_AND_DEPTH[architecture.size]
    ends = (1, len(STAGES))
    return [
        (blocks if number in ends else ceil(blocks * deeper), _rounded(width * wider))
        for number, (blocks, _, _, _, width) in enumerate(STAGES[: architecture.stages], start=1)
    ]


def _rounded(width: float) -> int:
    """Returns the multiple of 8 next to a width, never more than a tenth below it."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * width else rounded


def _unit(
    channels: int, width: int, kernel: int = 1, stride: int = 1, groups: int = 1, activated: bool = True
) -> nn.Sequential:
    """Returns convolution, norm and ReLU6; a stride of 2 pads as TensorFlow does, more to the right and below."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if stride > 1:
        before = (kernel - stride) // 2
        after = kernel - stride - before
        layers["padding"] = nn.ZeroPad2d((before, after, before, after))
    padding = 0 if stride > 1 else kernel // 2
    layers["convolution"] = nn.Conv2d(channels, width, kernel, stride, padding, groups=groups, bias=False)
    layers["norm"] = nn.BatchNorm2d(width, eps=NORM["eps"], momentum=NORM["momentum"])
    if activated:
        layers["activation"] = nn.ReLU6()
    return nn.Sequential(layers)


ARCHITECTURE = Family(build_efficientnet_lite, layouts=("image",), published_name=published_name)
