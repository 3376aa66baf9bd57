"""What one kind of task must own: a folder of six modules, each of which implements one part and imports no other.

- `targets`: what is to be predicted, as columns of arrays; used by data, training (augmentation) and the registry.
- `head`: the last layers of a network, and its named outputs; used by models.
- `loss`: hard losses, and rows of logits for soft-label objectives; used by training and distill.
- `metrics`: evidence of each sample, and numbers from it; numpy only; used wherever something is measured or judged.
- `figures`: tables and pictures from evidence; used by the report.
- `decode`: answers in words, from outputs: a `Decoder` of `tasks/runtime/bundle/decoder.py`; it ships in the device's
  wheel, so it imports numpy alone.

A stage asks for the parts it uses by name, so its fingerprint covers those files of that kind and no others. All other
code passes four values on without looking inside: `Inputs` (named arrays, made by a layout), `Targets` (named columns),
`Outputs` (named arrays of a network) and evidence (what the metrics need of each sample: small, and summable).

Every kind has a metric `loss`, where lower is better, beside its own; the first of `metrics` decides which epoch,
candidate or student is better, and `loss` decides between equal ones.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.metrics import Metric
from tasks.contracts.targets import Column, Strata, TargetCard, Targets
from tasks.core.errors import RecipeError, mismatch
from tasks.kinds.filters import Filters, Row

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tasks.contracts.records import InputSpec
    from tasks.contracts.scores import Table
    from tasks.drawing.svg import Drawing

Arrays = Mapping[str, NDArray[Any]]
"""named outputs in numpy; the first axis is the samples of the batch"""
Tensors = Mapping[str, "Tensor"]
"""the same in torch"""
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Raw = Mapping[str, Any]
"""what a reader gives as the target of one sample: column -> text, number or array, as it is in the file"""
Declared = Mapping[str, Mapping[str, Any]]
"""what recipe and source say of each column of `Raw` before a sample is read, such as the names of classes"""
Correspondence = Sequence[str | None] | Mapping[str | int, str] | None
"""the name in the data of each output in turn, or of some outputs by their places or names"""
Asked = Callable[[int], Tensors]
"""what a teacher gives for so many training samples, or for all of them if there are fewer"""
E = TypeVar("E")
"""the kind's own evidence"""
F = TypeVar("F", contravariant=True)
P = TypeVar("P")
Part = Literal["targets", "head", "loss", "metrics", "figures", "decode"]
Per = Literal["sequence", "step"]
Reads = Literal["pooled", "map", "pyramid", "steps"]
STEPS, MASK = "steps", "steps.mask"
"""what a network for sequences adds where each frame is asked for: (batch, frames, ...) by `steps.NAME`, and a mask"""


@dataclass(frozen=True)
class OutputSpec:
    """One output of the ONNX file. Axes are numbers or names: ("batch", 10), ("batch", 21, "height", "width")."""

    name: str
    axes: tuple[int | str, ...]


@dataclass(frozen=True)
class LayerShape:
    """What a layer gives for one sample: `positions` is (), (frames,) or (height, width)."""

    channels: int
    positions: tuple[int, ...]

    def __str__(self) -> str:
        return "x".join(str(size) for size in (self.channels, *self.positions))


@dataclass(frozen=True)
class Constant:
    """The best answer that looks at no input: in words, and as the outputs (1, ...) of one sample."""

    words: str
    outputs: Arrays


@dataclass(frozen=True)
class LogitRows:
    """What a soft-label objective is taken over: one row per sample, frame, pixel or anchor.

    Attributes:
        head: the name of the head.
        student: (rows, classes) logits, or (rows, features).
        teacher: as `student`.
        labels: (rows,) the right class of each row; None where there is none (embeddings, samples without a label).
        weights: (rows,) all rows of one sample share 1; None where each sample has one row.
        certainty: (rows,) 0..1, how sure the teacher is of the row's sample at temperature 1.
        right: (rows,) bool, whether the teacher is right about the row's sample; None where nothing says so.
    """

    head: str
    student: "Tensor"
    teacher: "Tensor"
    labels: "Tensor | None"
    weights: "Tensor | None"
    certainty: "Tensor"
    right: "Tensor | None"


@dataclass(frozen=True)
class Geometry:
    """What augmentation did to the pictures of a batch: (batch, 2, 3) maps from places before to places after.

    A place is (row, column) in pixels from the upper left corner of the picture, so a pixel covers a square of side 1.
    Maps mirror, turn by quarters of a circle, scale and move. `size` is the (height, width) of the pictures, which
    stays.
    """

    matrix: Floats
    size: tuple[int, int]


@dataclass(frozen=True)
class ScoredPairs:
    """Pairs of samples whose answers are compared, for kinds of task that compare them.

    Attributes:
        score: (pairs,) how alike the two answers are, -1..1.
        same: (pairs,) bool, whether the two samples are the same.
        units: (pairs, 2) the unit of each of the two, as `MetricsPart.units` numbers them.
    """

    score: Floats
    same: NDArray[np.bool_]
    units: Rows

    def weights(self, counts: Rows) -> Floats:
        """Returns (m, pairs) how often each pair is there, in data sets that hold unit u `counts[:, u]` times.

        A unit that is drawn twice counts as two, whose samples are not compared with each other.
        """
        first, second = (counts[:, self.units[:, side]].astype(np.float64) for side in range(2))
        weights: Floats = np.where(self.units[:, 0] == self.units[:, 1], first, first * second)
        return weights


@dataclass(frozen=True)
class OperatingCurve:
    """What each threshold comes to that decides what of an answer is told, such as the score of a box from which on.

    Attributes:
        fact: of the card, from which a decoder and the metrics read the threshold.
        words: what a model does with it, with `{}` in place of the threshold.
        thresholds: (n,) above 0 and below 1, rising.
        values: metrics that have a `threshold`, by name -> (n,) what each is at each.
    """

    fact: str
    words: str
    thresholds: Floats
    values: Mapping[str, Floats]


class TargetsPart(Protocol):
    """`kinds/<kind>/targets.py`: used by data (survey, split, shards), compress and registry (which samples to take).

    Data reads every sample twice. At first `gist` is what is remembered of each target: enough for the card and the
    split. Then `encode` gives the arrays that are written.
    """

    def gist(self, raw: Raw, declared: Declared) -> Hashable:
        """Returns what the survey remembers of one sample's target: small; equal gists are targets that agree.

        Raises:
            BadTargetError: the target cannot be used.
        """

    def table(self, gists: Sequence[Any], declared: Declared) -> Mapping[str, Sequence[Any]]:
        """Returns columns of texts or numbers that results can be looked at by, and splits be drawn by."""

    def card(self, gists: Sequence[Any], declared: Declared) -> TargetCard:
        """Returns what is known of all targets together, such as the classes in their order."""

    def nominal(self) -> TargetCard:
        """Returns a card such as data has, for what is checked of a recipe before there is any."""

    def strata(self, gists: Sequence[Any], card: TargetCard) -> Strata:
        """Returns the groups of samples that each split holds equal parts of."""

    def problems(self, trained: Sequence[Any], card: TargetCard) -> Iterator[str]:
        """Yields in words what is wrong with all targets together; `trained` are the gists of the training split."""

    def problems_of_splits(self, splits: Mapping[str, Sequence[Any]], card: TargetCard) -> Iterator[str]:
        """Yields in words what is wrong with the splits, as gists by their names, beyond what holds for all kinds."""

    def columns(self, card: TargetCard) -> tuple[Column, ...]:
        """Returns the columns that shards hold."""

    def encode(self, raw: Raw, declared: Declared, card: TargetCard) -> Arrays:
        """Returns the value of each column of one sample: (*shape), or (rows, *shape) where it is ragged."""

    def summary(self, parts: Iterable[Targets], card: TargetCard) -> dict[str, Any]:
        """Returns the kind's part of a split's card as JSON, such as how many samples each class has.

        `parts` are the targets of its shards, mapped.
        """

    def translated(self, targets: Targets, card: TargetCard, to: TargetCard) -> Targets:
        """Returns targets of one card as those of another, which may not know all that they say."""

    def groups(self, targets: Targets) -> Rows:
        """Returns (n,) the number of a group of each sample; where few are to stand for all, each group has some."""

    def moved(self, targets: Targets, geometry: Geometry) -> Targets:
        """Returns targets that follow what augmentation did to the pictures."""


@runtime_checkable
class PlacedTargets(Protocol):
    """What `targets` has besides, in kinds of task whose targets are of places in a picture."""

    def merged(self, parts: Sequence[Targets]) -> Targets:
        """Returns the targets (n) of pictures that show all that several pictures showed, at the same places.

        `parts` are the targets (n) of the first, of the second, ..., of the last picture in each.
        """


class HeadPart(Protocol):
    """`kinds/<kind>/head.py`: used by models (a head on a backbone) and by export."""

    def reads(self, layout: str) -> Reads:
        """Returns what the head is given of a backbone."""

    def head(self, maps: Sequence[LayerShape], card: TargetCard, width: int | None = None) -> "nn.Module":
        """Returns the last layers: what the backbone gives -> `Tensors` by output name.

        Args:
            maps: what there is to read, the deepest last; its positions are known for a `pyramid` alone.
            card: of the data.
            width: channels inside, of a head that has such and was pruned; None for as many as suit the maps.
        """

    def filters(self, head: "nn.Module", maps: Sequence[Row]) -> Sequence[Filters]:
        """Returns which channels the layers of a head write and read, so that they can be pruned with the backbone.

        `maps` are the channel spaces of what it reads, the deepest last. All layers are named, as in the body, and all
        spaces of its own are as wide as each other: `width` of them are left when a pruned head is made again.
        """

    def outputs(self, card: TargetCard) -> tuple[OutputSpec, ...]:
        """Returns the named outputs of the ONNX file."""

    def width(self, card: TargetCard) -> int:
        """Returns how many numbers an imported network must give per sample, all outputs side by side."""

    def refused_width(self, width: int, card: TargetCard) -> tuple[str, str] | None:
        """Returns what is expected of a teacher in place of `width` numbers, and what to do; None where it fits."""

    def named(self, values: "Tensor", card: TargetCard) -> Tensors:
        """Returns the outputs by name of what an imported network gives, (batch, ..., width)."""

    def output_names(
        self, said: Correspondence, lacks: Sequence[str], own: Sequence[str] | None, card: TargetCard
    ) -> tuple[str | None, ...]:
        """Returns the name in the card of each output of a teacher with targets of its own; none where all are equal.

        Args:
            said: what the recipe says of that; None where it says nothing.
            lacks: names of the card that no output has, as the recipe says.
            own: what the teacher calls its outputs, in their order, where that is known.
            card: of the data.

        Raises:
            DataError: they do not go together.
        """

    def translated(self, outputs: Tensors, names: Sequence[str | None], card: TargetCard) -> Tensors:
        """Returns outputs of a teacher with targets of its own as those of the data; `names` is not empty."""


@runtime_checkable
class HoldsBoxes(Protocol):
    """What a `head` has besides, where outputs can say what a teacher with boxes and no cells of the kind has found."""

    def of_boxes(self, places: "Tensor", scores: "Tensor", card: TargetCard) -> Tensors:
        """Returns outputs that say so.

        Args:
            places: (batch, most, 4) x0, y0, x1, y1 in pixels of the prepared picture.
            scores: (batch, most, names of the card) 0..1; a box without any is none.
            card: of the data.
        """


class LossPart(Protocol):
    """`kinds/<kind>/loss.py`: used by training, by distill and by the teachers."""

    def heads(self, card: TargetCard) -> tuple[str, ...]:
        """Returns the names of the heads, each with a loss of its own, in order; the first is the main one."""

    def training_head(self, trained: Iterable[Targets], card: TargetCard, teacher: Asked | None) -> "nn.Module | None":
        """Returns what learns along with a network and is in no file that ships; None for nothing.

        It is called with outputs and targets of a batch, of which the first samples have targets, and returns further
        outputs by name, which `losses` and `rows` get with the others.

        Args:
            trained: the targets of the training split, shard by shard, mapped.
            card: of the data.
            teacher: answers as a teacher does; None without a teacher.
        """

    def losses(self, outputs: Tensors, targets: Tensors, card: TargetCard, smoothing: float) -> Mapping[str, "Tensor"]:
        """Returns the hard loss () of each head, mean over the batch."""

    def rows(
        self, student: Tensors, teacher: Tensors, targets: Tensors | None, card: TargetCard, per: Per
    ) -> Iterator[LogitRows]:
        """Yields for each head the rows that soft-label objectives are taken over.

        `targets` is None where samples of the batch have none: then a row has neither `labels` nor `right`.
        """

    def groups(self, targets: Tensors) -> "Tensor | None":
        """Returns (batch,) the number of each sample's group, for objectives that contrast samples; None for none."""

    def mean_of(self, teachers: Sequence[Tensors], weights: Sequence[float]) -> Tensors:
        """Returns the mean of several teachers' outputs; `weights` sum to 1."""

    def kept(self, outputs: Tensors) -> Tensors:
        """Returns what soft labels keep of a teacher's outputs: (batch, ..., row); of each row `top` may be stored."""

    def given(self, kept: Tensors) -> Tensors:
        """Returns outputs of what was kept, as `rows`, `mean_of` and the metrics' `evidence` take them."""


class MetricsPart(Protocol[E]):
    """`kinds/<kind>/metrics.py`, numpy only: used wherever something is measured or judged."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The numbers; the first decides which epoch, candidate or student is better. `loss` is one of them."""

    def evidence(self, outputs: Arrays, targets: Targets, card: TargetCard) -> E:
        """Returns what the metrics need of each sample of a batch; the outputs are let go."""

    def joined(self, parts: Sequence[E]) -> E:
        """Returns the evidence of several batches as one."""

    def take(self, evidence: E, rows: Rows) -> E:
        """Returns the evidence of some samples, such as a slice."""

    def tally(self, evidence: E, counts: Rows) -> Mapping[str, Floats]:
        """Returns every metric (m,) of m data sets that hold sample i `counts[:, i]` times; counts (m, n).

        A metric per group is there as `name/group` for every group that has a sample in the evidence.
        """

    def support(self, evidence: E) -> Mapping[str, int]:
        """Returns for each group of samples (`cat`) how many samples of the evidence it has."""

    def right(self, evidence: E) -> NDArray[np.bool_] | None:
        """Returns whether each sample (n,) is right; None where a sample is not simply right or wrong."""

    def units(self, evidence: E) -> Rows | None:
        """Returns (n,) the number, from 0 on, of what each sample is one of several of, such as the same person.

        Intervals resample units, not samples: those of one unit are no independent draws. None where each sample is
        drawn by itself.
        """

    def pairs(self, evidence: E) -> ScoredPairs | None:
        """Returns the pairs of samples whose answers are compared; None where answers are not compared."""

    def operating(self, evidence: E) -> OperatingCurve | None:
        """Returns what each score comes to from which on answers may be told; None where all answers are told."""

    def agreement(self, outputs: Arrays, others: Arrays) -> Floats:
        """Returns how alike two models answer each sample (batch,), 0..1."""

    def constant(self, trained: Iterable[Targets], card: TargetCard) -> Constant:
        """Returns the best constant answer, such as the commonest class: what every model must be better than.

        `trained` are the targets of the training split, shard by shard, mapped.
        """

    def suspicions(self, evidence: E, card: TargetCard) -> tuple[str, ...]:
        """Returns in words what is wrong with a model that is right far more often if read in another way."""

    def at_chance(self, evidence: E) -> str:
        """Returns in words that a model is no better than one that knows nothing of its inputs; empty where it is."""


class SplitSamples(Protocol):
    """Samples of the test split, to be looked at."""

    @property
    def spec(self) -> "InputSpec":
        """What one sample looks like."""

    def at(self, rows: Rows) -> Sequence[tuple[NDArray[Any], str]]:
        """Returns the raw inputs, without padding, and the id of the sample at each row."""

    def targets(self, rows: Rows) -> Targets:
        """Returns what should be predicted for the sample at each row."""

    def outputs(self, rows: Rows) -> Arrays:
        """Returns what the file that ships makes of the sample at each row."""


class FiguresPart(Protocol[F]):
    """`kinds/<kind>/figures.py`: used by the evaluation's report alone."""

    def tables(self, evidence: Mapping[str, F], shipped: str, card: TargetCard) -> Iterator["Table"]:
        """Yields the tables of the file that ships that only this kind has; the teacher's evidence is there, too."""

    def figures(
        self, evidence: Mapping[str, F], shipped: str, card: TargetCard, samples: SplitSamples
    ) -> Iterator["Drawing"]:
        """Yields the pictures that only this kind has."""

    def mistakes(self, evidence: F, card: TargetCard) -> Iterator["Table"]:
        """Yields the tables that show, on a terminal, what one model takes for what."""

    def answers_in_words(self, evidence: F, rows: Rows, card: TargetCard) -> tuple[str, ...]:
        """Returns in a few words what one model makes of the sample at each row, or how far it is right."""

    def pipeline_tag(self, layout: str) -> str:
        """Returns what Hugging Face calls the task; empty where it has no name for it."""

    def cautions(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Returns in sentences what no model of this kind must be used for; `columns` are what results are seen by."""


def kinds() -> tuple[str, ...]:
    """Returns the names of the kinds there are, in order."""
    return tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/metrics.py")))


def part(kind: str, name: Part, protocol: type[P]) -> P:  # noqa: ARG001 - says what type comes back
    """Returns one part of a kind; no other part and no other kind is imported.

    Raises:
        RecipeError: there is no such kind.
    """
    if kind not in kinds():
        problem = mismatch("recipe", "data.task", f"one of {', '.join(kinds())}", kind, "take one that is there")
        raise RecipeError([problem])
    found: P = import_module(f"tasks.kinds.{kind}.{name}").PART
    return found
