"""What becomes of each row of a table: a sample, left out by the recipe's rule, or bad."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from params.readers import TableReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.columns import row_name
from tasks.data.readers.rows import RawTable, too_long

SHOWN = 5
FEW = 3
"""rows of a label; one per split"""


class RowFates:
    """Gaps and mistakes of each row, gathered column by column."""

    def __init__(self, reader: TableReader, table: RawTable) -> None:
        self.reader, self.table = reader, table
        self.imputes = reader.missing == "impute"
        self.gaps: dict[str, NDArray[np.bool_]] = {}
        self.problems: dict[int, str] = {}
        self.labels: Sequence[str] = ()

    def look(self, column: str, gaps: NDArray[np.bool_], problems: Mapping[int, str]) -> None:
        """Takes in the gaps of a column, and row -> what is wrong with a cell."""
        self.gaps[column] = gaps
        self.problems = {**problems, **self.problems}

    def look_at_labels(self, labels: Sequence[str]) -> None:
        """Takes in the labels; one that is empty is a gap that nothing can fill."""
        self.labels = labels
        self.gaps[self.reader.label] = np.fromiter((not label for label in labels), np.bool_, len(labels))

    @property
    def _left_out(self) -> NDArray[np.bool_]:
        """Rows with a gap that the recipe's rule does not let pass."""
        fatal = [gaps for name, gaps in self.gaps.items() if not self.imputes or name == self.reader.label]
        found: NDArray[np.bool_] = np.any(fatal, axis=0)
        return found

    def rows(self) -> NDArray[np.int64]:
        """Returns the rows that can be used.

        Raises:
            DataError: there are none; says which rule took them.
        """
        usable = ~self._left_out
        usable[[*self.problems]] = False
        if not usable.any():
            raise DataError(mismatch(self.table.file, "", "rows that can be used", self._none(), "correct the file"))
        return np.flatnonzero(usable)

    def dropped(self) -> dict[str, int]:
        """Returns reason -> how many rows the recipe's rule leaves out."""
        count = int(self._left_out.sum()) if self.reader.missing != "refuse" else 0
        return {"missing label" if self.imputes else "missing value": count} if count else {}

    def bad(self) -> dict[str, str]:
        """Returns the names of lines and rows that cannot be used -> what is wrong."""
        left_out = self._left_out
        wrong = {row: told for row, told in self.problems.items() if not left_out[row]}
        if self.reader.missing == "refuse":
            wrong |= {row: self.problems.get(row) or self._gap(row) for row in np.flatnonzero(left_out).tolist()}
        return self.table.broken | {row_name(row): wrong[row] for row in sorted(wrong)}

    def refusal(self, used: Sequence[str]) -> str:
        """Returns what to tell where no row may be left out as bad; empty where that needs no other words than a list.

        Args:
            used: the labels of the rows that can be used.
        """
        told = [too_long(self.table.broken)] if self.table.broken else []
        counts = self._counts()
        if counts and self.reader.missing == "refuse":
            do = "fill them in, or say `missing: drop` to leave out these rows, `missing: impute` to fill the gaps"
            got = f"{counts} of {self.table.rows} rows"
            told.append(mismatch("data.reader", "missing", "no missing values", got, do))
        told += self._gone(used)
        listed = [f"`{row_name(row)}`: {self.problems[row]}" for row in sorted(self.problems)[:SHOWN]]
        return "\n".join([*told, *listed]) if told else ""

    def _gone(self, used: Sequence[str]) -> list[str]:
        """Returns the labels of which the rule has taken every row."""
        if self.reader.missing != "drop":
            return []
        took = Counter(label for label, out in zip(self.labels, self._left_out, strict=True) if label and out)
        gone = {label: count for label, count in took.items() if label not in {*used}}
        got = ", ".join(f"none of `{label}`: it left out all {count}" for label, count in gone.items())
        do = f"gaps: {self._counts()}; say `missing: impute`, or list columns in `ignore`"
        return [mismatch("data.reader", "missing: drop", "rows of every label", got, do)] if gone else []

    def _counts(self) -> str:
        counts = {name: int(gaps.sum()) for name, gaps in self.gaps.items() if gaps.any()}
        order = [name for name in self.table.columns if name in counts]
        return ", ".join(f"`{name}` {counts[name]}" for name in order)

    def _gap(self, row: int) -> str:
        column = next(name for name in self.table.columns if name in self.gaps and self.gaps[name][row])
        return f"expected a value in column `{column}`, got none"

    def _none(self) -> str:
        """Returns why no row is left."""
        gaps = f"{int(self._left_out.sum())} with a gap ({self._counts()}), which `missing` leaves out"
        wrong = [f"{len(self.problems)} with a mistake ({self.problems[min(self.problems)]})"] if self.problems else []
        told = "; ".join([*([gaps] if self._left_out.any() else []), *wrong])
        return f"none of {self.table.rows}: {told}"
