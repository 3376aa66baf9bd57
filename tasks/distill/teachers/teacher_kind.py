"""What every kind of teacher is: a module of this folder, found by the `kind` of its section in the recipe.

`make(section, work)` returns the teacher, ready to be asked; `look(section, place)` says beforehand what does not fit.
What only a teacher is has `load(built, path, spec)` as well, in the module named by the kind of its record.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from params.teacher import TeacherSection
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import UNLABELLED, Built, DataRecord, DataSpec, InputSpec
from tasks.contracts.targets import TargetCard
from tasks.core.errors import RecipeError, mismatch
from tasks.core.plugins import load
from tasks.core.progress import Advance
from tasks.kinds.contract import Tensors
from tasks.models.build import Network
from tasks.training.loop import Fit, OnEpoch
from tasks.training.network import PreparedData

EVERY_SPLIT = ("train", "validation", "test", UNLABELLED)


class Answerer(nn.Module, ABC):
    """A teacher that is no network of ours: named inputs in, named outputs out, and no layers to look into."""

    only_stored = False
    """whether it knows the samples of the data as they are and no others, so that augmentation means nothing to it"""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def ask(self, inputs: Tensors) -> Tensors:
        """Returns the outputs (batch, ...) by name, float32, of the samples in `inputs`, as a network is given them."""

    def forward(self, inputs: Tensors, steps: bool = False) -> dict[str, Any]:
        """Returns the outputs.

        Raises:
            RecipeError: steps are asked for.
        """
        if steps:
            do = "say `per: sequence`, or bring a network"
            raise RecipeError([mismatch("recipe", "per: step", "a teacher with steps", "one without layers", do)])
        return {**self.ask(inputs)}


@dataclass(frozen=True)
class TeacherWork:
    """Where and for which data a teacher is made.

    Attributes:
        project: the folder of the recipe, from which paths are relative.
        scratch: an empty folder.
        store: the folder that holds what a program has answered.
        record: of the data.
        data: the same, opened.
        seed: of a training.
        advance: told how far it is.
        on_epoch: given the metrics of each epoch.
        splits: of which samples answers are needed.
        start: the release whose weights a training begins with.
    """

    project: Path
    scratch: Path
    store: Path
    record: DataRecord
    data: PreparedData
    seed: int
    advance: Advance
    on_epoch: OnEpoch
    splits: Sequence[str] = EVERY_SPLIT
    start: Beginning | None = None


@dataclass(frozen=True)
class MadeTeacher:
    """A teacher that can be asked.

    Attributes:
        network: what is asked.
        built: how to build it again, with `file`.
        file: what its record is about: the ONNX file, or its answers; None for a network, whose weights are saved.
        parameters: 0 where nothing tells.
        fit: of a teacher that was trained here.
        warnings: what a person should know about it.
        seconds: that a sample took where a program was asked; None where it was not, or can be measured at any time.
    """

    network: Network | Answerer
    built: Built
    file: Path | None = None
    parameters: int = 0
    fit: Fit | None = None
    warnings: tuple[str, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Place:
    """What is known of the data before anything runs: `targets` is None where nothing was prepared yet."""

    project: Path
    task: str
    input: InputSpec
    sized: bool
    targets: TargetCard | None


class TeacherKind(Protocol):
    """A module of this folder."""

    def make(self, teacher: Any, work: TeacherWork) -> MadeTeacher:
        """Returns the teacher of a section of the recipe.

        Raises:
            DataError: what was brought along is not there, is cut short, or does not fit the data.
            StageError: it does not answer.
        """

    def look(self, teacher: Any, place: Place) -> None:
        """Looks at what was brought along; raises as `make`, as far as headers tell."""


def folder_of_answers(state: Path) -> Path:
    """Returns where what programs have answered is stored on this machine."""
    return state / "teacher-answers"


def kind_of(teacher: TeacherSection) -> TeacherKind:
    """Returns the module of a teacher's kind."""
    found: Any = load("tasks.distill.teachers.{}", teacher.kind)
    return found  # type: ignore[no-any-return]


def load_answerer(built: Any, path: Path, spec: DataSpec) -> Answerer:
    """Returns a teacher on record that is no network, from its file."""
    found: Answerer = load("tasks.distill.teachers.{}", built.kind).load(built, path, spec)
    return found
