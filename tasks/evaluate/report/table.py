"""A table as data, the same for the page and for the card; columns in which nothing stands are left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Cell:
    """A value, and in small what belongs to it: an interval, a place."""

    text: str
    detail: str = ""

    @property
    def whole(self) -> str:
        """Both in one line."""
        return f"{self.text} ({self.detail})" if self.detail else self.text


@dataclass(frozen=True)
class TableRow:
    """What the row is about, a word on it, and a cell per column; None where nothing was measured."""

    head: str
    cells: tuple[Cell | None, ...]
    remark: str = ""

    @property
    def whole_head(self) -> str:
        """Head and remark in one line."""
        return f"{self.head} ({self.remark})" if self.remark else self.head


@dataclass(frozen=True)
class TextTable:
    """A heading for the first column, headings for the others, and rows."""

    caption: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


@dataclass(frozen=True)
class TextColumn(Generic[Item]):
    """A heading, and how the value under it is had from an item."""

    heading: str
    cell: Callable[[Item], Cell | None]


def table_of(
    caption: str,
    corner: str,
    columns: Sequence[TextColumn[Item]],
    items: Sequence[tuple[str, str, Item]],
) -> TextTable:
    """Returns a table of items.

    Args:
        caption: what the table says.
        corner: heading of the first column.
        columns: all others.
        items: for each row its head, a remark on it, and what its cells are taken from.
    """
    found = [(head, remark, [column.cell(item) for column in columns]) for head, remark, item in items]
    kept = [place for place in range(len(columns)) if any(cells[place] for _, _, cells in found)]
    rows = tuple(TableRow(head, tuple(cells[place] for place in kept), remark) for head, remark, cells in found)
    return TextTable(caption, corner, tuple(columns[place].heading for place in kept), rows)
