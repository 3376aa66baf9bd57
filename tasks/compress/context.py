"""What every pass is given: the student, what it may learn from, and where its file goes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from params.compress import Compress, Recovery
from tasks.contracts.records import InputSpec
from tasks.core.plugins import load
from tasks.kinds.kind import TaskKind
from tasks.models.build import Network
from tasks.training.arrays import SplitArrays
from tasks.training.network import PreparedData

Begin = Callable[[Network], object]
"""fills in what a training begins with"""


class Recover(Protocol):
    """A network that lost accuracy -> the same network after a training."""

    def __call__(self, network: Network, recovery: Recovery, begin: Begin | None = None) -> Network:
        """Returns the network after its recovery; `begin` is for one that its state cannot be loaded into."""


class NotPossibleError(Exception):
    """This pass can do nothing for this network; the message says why. The other candidates go on."""


@dataclass(frozen=True)
class CompressionContext:
    """A student and all that is needed to make files of it and to measure them."""

    params: Compress
    student: Network
    data: PreparedData
    directory: Path
    seed: int
    recover: Recover

    @property
    def spec(self) -> InputSpec:
        """What a sample looks like."""
        return self.data.card.input

    @property
    def kind(self) -> TaskKind:
        """What is asked of the samples."""
        return self.data.kind

    @property
    def train(self) -> SplitArrays:
        """What ranges are found on and networks recover with."""
        return self.data.splits.train

    @property
    def validation(self) -> SplitArrays:
        """What candidates are compared on."""
        return self.data.splits.validation


@dataclass(frozen=True)
class FilePass:
    """How a file is made of an exported network, and what it must then be; `PASS` of each module of `file_passes`.

    Attributes:
        make: (context, exported network, parameters, path) -> the network of the file where it is not the exported one.
        integers: ONNX Runtime must compute layers of it in integers.
        smaller: it must have fewer bytes than the exported file.
        tolerance: of a float file against torch, as a part of the largest logit (or of 1, where all are smaller).
    """

    make: Callable[[CompressionContext, Path, Any, Path], Network | None]
    integers: bool = False
    smaller: bool = False
    tolerance: float | None = None


def file_pass(kind: str) -> FilePass:
    """Returns the pass that makes files of this kind."""
    found: FilePass = load("tasks.compress.file_passes.{}", kind).PASS
    return found
