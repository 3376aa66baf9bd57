"""What a graph answers as named outputs of the data's kind of task: one value for each output, maps, or boxes."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from params.teacher import OnnxFacts
from tasks.contracts.records import DataSpec
from tasks.distill.teachers.outputs import (
    as_tensor,
    gives_maps,
    outputs_of_values,
    require_gives,
    require_width,
    shaped,
    with_rest,
)
from tasks.kinds.contract import Tensors

Found = Sequence[NDArray[Any]]
"""the outputs of a graph for some samples, in their order"""
Names = Sequence[str | None]


class AnswerForm(Protocol):
    """How the answers of a graph are read."""

    def outputs(self, found: Found) -> Tensors:
        """Returns named outputs.

        Raises:
            DataError: it is not what the recipe says.
        """

    def require(self, where: str, parts: Sequence[Found]) -> None:
        """Looks at the answers to a few samples, of which each part is of some.

        Raises:
            DataError: they are not what the recipe says.
        """

    def require_shapes(self, where: str, shapes: Sequence[Sequence[Any]]) -> None:
        """Compares the shapes that a graph declares, whose lengths may be unknown, with the data.

        Raises:
            DataError: they do not fit.
        """


class ValueForm:
    """One value for each output, or a map of it; several outputs of a graph lie side by side."""

    def __init__(self, facts: OnnxFacts, names: Names, more: bool, spec: DataSpec) -> None:
        self.facts, self.names, self.more, self.spec = facts, tuple(names), more, spec
        self.maps = gives_maps(spec.task, spec.targets)

    def outputs(self, found: Found) -> Tensors:
        """Returns named outputs."""
        return outputs_of_values(as_tensor(self.values(found)), self.facts.gives, self.names, self.spec)

    def values(self, found: Found) -> NDArray[np.floating]:
        """Returns the values (n, all outputs side by side), or (n, outputs, height, width)."""
        values = np.concatenate([shaped(one, self.maps) for one in found], axis=1)
        return with_rest(values) if self.facts.rest else values

    def require(self, where: str, parts: Sequence[Found]) -> None:
        """Checks how many values there are, and whether they are logits or probabilities."""
        values = np.concatenate([self.values(found) for found in parts])
        require_width(where, "", values.shape[1], self.names, self.spec, self.more)
        require_gives(where, self.facts.gives, values)

    def require_shapes(self, where: str, shapes: Sequence[Sequence[Any]]) -> None:
        """Checks how many values there are, where the graph says so."""
        widths = [shape[1 if self.maps else -1] for shape in shapes if shape]
        if len(widths) == len(shapes) and all(isinstance(width, int) for width in widths):
            require_width(where, "", sum(widths) + self.facts.rest, self.names, self.spec, self.more)
