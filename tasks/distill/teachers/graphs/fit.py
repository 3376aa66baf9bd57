"""Do the samples fit what a graph takes? Asked before anything runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from params.teacher import Normalisation, OnnxFacts
from tasks.contracts.records import InputSpec
from tasks.core.errors import DataError, mismatch
from tasks.distill.teachers.graphs.graph import Graph
from tasks.layouts import find_layout

PICTURES = 4
"""axes of a batch of pictures"""


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
