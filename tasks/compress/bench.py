"""What every pass finds on the bench: the student, what it may learn from, and where its file goes."""

from dataclasses import dataclass
from pathlib import Path

from params.compress import Compress
from tasks.kinds.kind import TaskKind
from tasks.models.build import Network
from tasks.records import InputSpec
from tasks.training.arrays import SplitArrays


class NotPossibleError(Exception):
    """This pass can do nothing for this network; the message says why. The other candidates go on."""


@dataclass(frozen=True)
class Bench:
    """A student and all that is needed to make files of it and to measure them."""

    params: Compress
    student: Network
    spec: InputSpec
    kind: TaskKind
    train: SplitArrays
    validation: SplitArrays
    directory: Path
    seed: int

    @property
    def exported(self) -> Path:
        """The student as ONNX, uncompressed: what the passes begin with."""
        return self.directory / "fp32.onnx"
