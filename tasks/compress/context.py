"""What every pass is given: the student, what it may learn from, and where its file goes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from params.compress import Compress, Recovery
from tasks.contracts.records import InputSpec
from tasks.core.plugins import load
from tasks.kinds.limits import below_student
from tasks.models.build import Network
from tasks.training.arrays import SplitArrays, in_turn
from tasks.training.measure import Measuring
from tasks.training.network import PreparedData
from tasks.training.seeds import generator

Begin = Callable[[Network], object]
"""fills in what a training begins with"""


class Recover(Protocol):
    """A network that lost quality -> the same network after a training."""

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
    def measuring(self) -> Measuring:
        """How files are compared on validation data."""
        return self.data.measuring

    @property
    def below_student(self) -> Mapping[str, float]:
        """How much worse than the student a file may be, by metric."""
        return below_student(self.params.limits.below_student, self.measuring.part.metrics)

    @property
    def train(self) -> SplitArrays:
        """What ranges are found on and networks recover with."""
        return self.data.splits.train

    @property
    def validation(self) -> SplitArrays:
        """What candidates are compared on."""
        return self.data.splits.validation

    def rows(self, count: int) -> NDArray[np.int64]:
        """Returns at most `count` training rows, rare groups among them."""
        return choose_rows(self.train.groups(), count, self.seed)


@dataclass(frozen=True)
class FilePass:
    """How a file is made of an exported network, and what it must then be; `PASS` of each module of `file_passes`.

    Attributes:
        make: (context, exported network, parameters, path) -> the network of the file where it is not the exported one.
        integers: ONNX Runtime must compute layers of it in integers; processors round their products differently.
        smaller: it must have fewer bytes than the exported file.
        tolerance: how far its outputs may be from those on another machine, and those of a float file from torch: as a
            part of the largest output, or of 1 where all are smaller.
    """

    make: Callable[[CompressionContext, Path, Any, Path], Network | None]
    tolerance: float
    integers: bool = False
    smaller: bool = False


def file_pass(kind: str) -> FilePass:
    """Returns the pass that makes files of this kind."""
    found: FilePass = load("tasks.compress.file_passes.{}", kind).PASS
    return found


def choose_rows(groups: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Returns at most `count` rows, drawn from the groups in turn so that rare ones are among them."""
    shuffled = generator(seed).permutation(len(groups))
    return np.sort(shuffled[in_turn(groups[shuffled], count)])
