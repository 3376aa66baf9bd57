"""Cells of a table as numbers: each column has one type, and each type one way to become features.

Texts become one number per cell first: the value, the place of a category, or NaN for a gap. Features are made of those
numbers. Training takes the first step for a whole column and the second for some rows at a time.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
"""(rows,) what the cells of one column mean; NaN for a gap"""
NUMBER, PERCENT, BOOLEAN, CATEGORY = "number", "percent", "boolean", "category"
TYPES = (NUMBER, PERCENT, BOOLEAN, CATEGORY)
LARGEST = float(np.finfo(np.float32).max)
BOOLEANS = {"true": 1.0, "false": 0.0}
"""in small letters"""
UNSEEN = -1.0
"""place of a category that the model does not know"""
SPACES = str.maketrans("\u00a0\u202f\u2009\u2019", "   '")
"""signs between groups of digits that look like others"""


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written: the sign before decimals, and the one between groups of three digits, if any."""

    decimal: str = "."
    thousands: str = ""

    def number(self, text: str) -> float | None:
        """Returns a number, or None where a text is none; so are `nan`, `inf` and `1_000`."""
        plain = text.strip() if (self.decimal, self.thousands) == (".", "") else self._plain(text)
        try:
            value = float(plain)
        except ValueError:
            return None
        return value if isfinite(value) and plain.isascii() and "_" not in plain else None

    def text(self, value: float) -> str:
        """Returns a number as a person would write it in this format; `number` gives it back to the last bit."""
        whole = isinstance(value, int) or (isfinite(value) and value.is_integer() and abs(value) < 1e15)
        return str(int(value)) if whole else repr(value).replace(".", self.decimal)

    def _plain(self, text: str) -> str:
        """Returns a number in Python's format; a text with other marks becomes one that is no number."""
        text = text.translate(SPACES).strip()
        whole, mark, decimals = text.partition(self.decimal)
        if self.thousands and self.thousands in whole:
            if not re.fullmatch(rf"[+-]?\d{{1,3}}({re.escape(self.thousands)}\d{{3}})+", whole):
                return ""
            whole = whole.replace(self.thousands, "")
        return "" if "." in whole or "." in decimals else f"{whole}.{decimals}" if mark else whole


PLAIN = NumberFormat()


@dataclass(frozen=True)
class ParsedCells:
    """Cells of a column as numbers, which of them are gaps, and row -> what is wrong with a cell."""

    numbers: Numbers
    gaps: NDArray[np.bool_]
    problems: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TableColumn:
    """A column of a table, and how its cells become features."""

    name: str
    type: str
    categories: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ()
    """texts that mean a gap, beside the empty cell"""
    fill: str | None = None
    """what stands for a gap; None where a gap is a mistake"""
    indicator: bool = False
    """a further feature is 1 where there was a gap"""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Of what `features` returns."""
        of_type = [f"{self.name}={one}" for one in self.categories] if self.type == CATEGORY else [self.name]
        return (*of_type, *([f"{self.name} is missing"] if self.indicator else []))

    def parsed(self, cells: Sequence[str], written: NumberFormat) -> ParsedCells:
        """Returns what texts mean; a text of no known category is `UNSEEN`."""
        gaps = np.fromiter((self.is_gap(cell) for cell in cells), np.bool_, len(cells))
        numbers, problems = np.full(len(cells), np.nan), {}
        known = {text: float(place) for place, text in enumerate(self.categories)}
        for row in np.flatnonzero(~gaps).tolist():
            number = (
                known.get(cells[row], UNSEEN) if self.type == CATEGORY else value_of(cells[row], self.type, written)
            )
            if number is None or abs(number) > LARGEST:
                problems[row] = f"expected {_worded(self, number)} in column `{self.name}`, got `{cells[row]}`"
            else:
                numbers[row] = number
        return ParsedCells(numbers, gaps, problems)

    def is_gap(self, cell: str) -> bool:
        """Says whether a cell is empty, or means that."""
        return not cell or cell.isspace() or cell in self.missing_values

    def features(self, numbers: Numbers) -> NDArray[np.float32]:
        """Returns (rows, features); a gap becomes `fill`, or NaN where there is none."""
        gaps = np.isnan(numbers)
        whole = numbers if self.fill is None else np.where(gaps, self._filling(), numbers)
        columns = whole[:, None]
        if self.type == CATEGORY:
            columns = np.where(np.isnan(columns), np.nan, columns == np.arange(len(self.categories)))
        return np.column_stack([columns, *([gaps] if self.indicator else [])]).astype(np.float32)

    def filled_from(self, numbers: Numbers) -> str | None:
        """Returns what to fill gaps with: the median of numbers, else what is most frequent; None without any value."""
        values = numbers[~np.isnan(numbers)]
        if not len(values):
            return None
        if self.type in (NUMBER, PERCENT):
            return repr(float(np.median(values)))
        most = int(np.bincount(values.astype(np.int64)).argmax())
        return self.categories[most] if self.type == CATEGORY else ["false", "true"][most]

    def _filling(self) -> float:
        fill = self.fill or ""
        if self.type == CATEGORY:
            return float(self.categories.index(fill))
        return BOOLEANS[fill] if self.type == BOOLEAN else float(fill)


def value_of(text: str, kind: str, written: NumberFormat) -> float | None:
    """Returns what a cell of a column of numbers, percentages or booleans means; None where it is none."""
    if kind == BOOLEAN:
        return BOOLEANS.get(text.strip().lower())
    if kind == NUMBER:
        return written.number(text)
    text = text.strip()
    return written.number(text[:-1]) if text.endswith("%") else None


def _worded(column: TableColumn, number: float | None) -> str:
    if number is not None:
        return f"a number up to {LARGEST:.3g}"
    return {NUMBER: "a number", PERCENT: "a number with `%`", BOOLEAN: "`true` or `false`"}[column.type]
