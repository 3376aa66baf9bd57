"""What every pass is given: the student, what it may learn from, and where its file goes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from params.compress import Compress, Recovery
from tasks.contracts.records import InputSpec
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
