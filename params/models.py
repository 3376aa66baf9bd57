"""Architectures as data."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    model_validator,
)

from params.audio.networks import BcResNet, DsCnn, FrontEnd
from params.section import PositiveInts, Section, Sha256, not_empty

OutputNames = Annotated[tuple[str | None, ...], Field(strict=False)]
"""the data's name for each output of a network in turn; None for an output that the data does not know"""

Dropout = Annotated[float, Field(ge=0, lt=1)]


def _in_a_row(count: object) -> object:
    return [count] if isinstance(count, int) else count


def _alone(counts: tuple[int, ...]) -> int | tuple[int, ...]:
    """Writes a single count as the number it always was: records of earlier models keep their digests."""
    return counts[0] if len(counts) == 1 else counts


Block = Annotated[int, Field(ge=1, le=50)]
Blocks = Annotated[
    tuple[Block, ...],
    Field(strict=False),
    AfterValidator(not_empty),
    BeforeValidator(_in_a_row, json_schema_input_type=Block | tuple[Block, ...]),
    PlainSerializer(_alone),
]
"""how many of them, stage by stage; in a recipe a number alone means one stage"""


class Cnn(Section):
    """Convolution, batch norm, ReLU per entry of `channels`, halving the picture after each; global mean, linear."""

    kind: Literal["cnn"]
    channels: PositiveInts
    """of each block, which halves height and width"""
    stem_stride: Literal[1, 2] = 1
    """2: the first convolution takes every second pixel, for large pictures"""
    dropout: Dropout = 0.0
    """of what the head reads, while it learns"""


class ResNet(Section):
    """Residual network (He 2016): one group of `blocks` basic blocks per width, halving the picture between groups."""

    kind: Literal["resnet"]
    widths: PositiveInts
    """channels of each stage"""
    blocks: int = Field(default=1, ge=1, le=50)
    """residual ones in each stage"""
    stem_stride: Literal[1, 2, 4] = 1
    """for large pictures; 2: the first convolution takes every second pixel, 4: a 3x3 max pool behind it does too"""
    inner: PositiveInts | None = None
    """width between the two convolutions of each block, blocks of all groups in a row; null for that of the group"""
    dropout: Dropout = 0.0
    """of what the head reads, while it learns"""

    @model_validator(mode="after")
    def _an_inner_width_per_block(self) -> Self:
        count = len(self.widths) * self.blocks
        if self.inner is not None and len(self.inner) != count:
            raise ValueError(f"`inner` has {len(self.inner)} widths for {count} blocks; give one per block, or null")
        return self


class EfficientNetLite(Section):
    """EfficientNet-Lite (Liu and Tan 2020): for phones; published weights may be its start (`teacher.init`).

    Depthwise convolutions are slow on a CPU, above all in training.
    """

    kind: Literal["efficientnet_lite"]
    size: Literal[0, 1, 2, 3, 4] = 0
    """0 to 4: the published networks, from the smallest on"""
    stages: int = Field(default=7, ge=1, le=7)
    """how many of its seven stages are there; the later ones hold most of the weights"""
    last_blocks: Blocks | None = None
    """how many blocks the last of these stages has, or each of the last few; null for as many as published"""
    stage1_stride: Literal[1, 2] = 1
    """2: the first stage takes every second pixel of the stem's, so that all behind it is a quarter of the work"""
    dropout: Dropout = 0.2
    """of what the head reads, while it learns"""

    @model_validator(mode="after")
    def _no_more_counts_than_stages(self) -> Self:
        if len(self.last_blocks or ()) > self.stages:
            got = f"more numbers of `last_blocks` than the {self.stages} stages"
            raise ValueError(f"{got}; give one per stage at most")
        return self


class Separable(Section):
    """Depthwise separable blocks with shortcuts, for pictures of which each place matters; few parameters.

    A convolution takes every second pixel, and so does each group behind it.
    """

    kind: Literal["separable"]
    widths: PositiveInts
    """of the first convolution, then of each group"""
    blocks: Blocks
    """of each group"""
    dilations: PositiveInts = (1, 2, 4, 8)
    """of the last group's blocks in turn: how far apart the pixels are that a filter sees"""
    dropout: Dropout = 0.0
    """of what the head reads, while it learns"""

    @model_validator(mode="after")
    def _blocks_for_each_group(self) -> Self:
        if len(self.widths) != len(self.blocks) + 1:
            got = f"{len(self.widths)} widths and {len(self.blocks)} numbers of `blocks`"
            raise ValueError(f"`widths` has one more entry than `blocks`, that of the first convolution; got {got}")
        return self

    @property
    def groups(self) -> list[tuple[int, int]]:
        """(width, blocks) of each group."""
        return list(zip(self.widths[1:], self.blocks, strict=True))


class Mlp(Section):
    """Linear, batch norm, ReLU per entry of `hidden`; for table rows, or for small inputs taken as one vector."""

    kind: Literal["mlp"]
    hidden: PositiveInts
    """units of each hidden layer"""
    dropout: Dropout = 0.0
    """of what each hidden layer gives, while it learns"""


class ByteCnn(Section):
    """For the bytes of files: each byte becomes `embedding` numbers; convolution, batch norm, ReLU per entry of
    `channels` over groups of `together` bytes; maximum over the file, linear. After magika (arXiv:2409.13768).
    """

    kind: Literal["byte_cnn"]
    embedding: int = Field(default=16, ge=1, le=1024)
    """numbers that each byte becomes"""
    together: int = Field(default=4, ge=1, le=64)
    """bytes side by side that are one position"""
    channels: PositiveInts
    """of each layer"""
    kernel: Literal[3, 5, 7, 9, 11] = 5
    """bytes that a filter of the first layer sees"""
    dropout: Dropout = 0.0
    """of what the head reads, while it learns"""


class Recurrent(Section):
    """LSTM or GRU over the frames, mean of the outputs over the frames that are there, linear."""

    kind: Literal["lstm", "gru"]
    hidden: int = Field(ge=1, le=4096)
    """units of each layer"""
    layers: int = Field(default=1, ge=1, le=16)
    """one upon the other"""
    bidirectional: bool = False
    """also backward in time; more accurate, but the whole sequence must be there before there is an answer"""
    dropout: Dropout = 0.0
    """between layers, while it learns"""


class ImportedArchitecture(Section):
    """A network of one's own: `factory: package.module:function`, called as
    `function(input=InputSpec, outputs=int, **arguments)`, returns a `torch.nn.Module` from inputs to logits.
    """

    kind: Literal["import"]
    factory: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    """`package.module:function`, which returns a torch module"""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """of the function, by name"""
    source_sha256: Sha256 | None = None
    """of the module's file; filled in when a recipe runs, so that a change of the code is a change of the recipe"""


class Audio(Section):
    """A network for sound: `front_end` makes a picture of frequency and time, or frames, which `network` takes.

    It is part of the network and of its ONNX file, so that a device is given samples of sound.
    """

    kind: Literal["audio"]
    front_end: FrontEnd
    """what makes frames of bands out of sound"""
    network: Annotated[Cnn | ResNet | EfficientNetLite | DsCnn | BcResNet | Recurrent, Field(discriminator="kind")]
    """what reads the frames"""


Network = Cnn | ResNet | EfficientNetLite | Separable | DsCnn | BcResNet | Mlp | ByteCnn | Recurrent | Audio


class Pruned(Section):
    """A network whose backbone and head lost channels, where the head is not as wide as it would be on this backbone;
    made by compression.
    """

    kind: Literal["pruned"]
    network: Annotated[Network, Field(discriminator="kind")]
    """as narrow as it has become"""
    head_width: int = Field(ge=1)
    """channels inside the head"""


class Factored(Section):
    """A network some of whose linear layers and 1x1 convolutions are two thin ones each; made by compression."""

    kind: Literal["factored"]
    network: Annotated[Network | ImportedArchitecture | Pruned, Field(discriminator="kind")]
    """as it was before"""
    ranks: dict[str, Annotated[int, Field(ge=1)]]
    """layer of the network -> width between the two"""


class Translated(Section):
    """A network that was trained on other targets; its outputs become those of the data. Made of `teacher.classes`."""

    kind: Literal["translated"]
    network: Annotated[Network | ImportedArchitecture | Pruned | Factored, Field(discriminator="kind")]
    """as it was trained"""
    names: OutputNames
    """the output of the network that each output of the data is; null for one that it lacks"""


Architecture = Annotated[Network | ImportedArchitecture | Pruned | Factored | Translated, Field(discriminator="kind")]
