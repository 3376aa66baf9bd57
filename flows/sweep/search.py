"""Where a sweep looks next: the protocol of a search, the grid, and what the values of a student are called."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Protocol

from params.sweep import Grid

Values = Mapping[str, Any]
"""dotted field -> value"""


class Search(Protocol):
    """Where to look next; told what came of it."""

    def ask(self) -> Sequence[Values]:
        """Returns the next students, none when it has come to its end."""
        ...

    def tell(self, values: Values, score: float | None, broken: int) -> None:
        """Takes what came of a student: how good it is (None: nothing came of it), how many limits it breaks."""
        ...


class GridSearch:
    """Asks for all students at once."""

    def __init__(self, grid: Grid) -> None:
        self._left: Sequence[Values] = [*combinations(grid)]

    def ask(self) -> Sequence[Values]:
        """Returns all students, and then none."""
        asked, self._left = self._left, ()
        return asked

    def tell(self, values: Values, score: float | None, broken: int) -> None:
        """Learns nothing from it."""


def combinations(grid: Grid) -> Iterator[Values]:
    """Yields every combination of the values, the last field fastest."""
    for values in product(*grid.fields.values()):
        yield dict(zip(grid.fields, values, strict=True))


def label_of(values: Values) -> str:
    """Returns values in a line, by the last names of their fields."""
    return ", ".join(f"{field.rpartition('.')[2]} {as_yaml(value)}" for field, value in values.items())


def as_yaml(value: Any) -> str:
    """Returns a value as it is typed in a recipe."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)
