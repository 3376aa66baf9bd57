"""Markdown out of records: what stands in a record is text, whatever signs are in it."""

import re

from tasks.evaluate.report.table import TextTable

_SIGNS = re.compile(r"([\\`*_\[\]<>&|~#$^])")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_LIST = re.compile(r"^(\d{0,9})([-+.)])(?=\s|$)")
_CODE = re.compile(r"[\w.:/+-]+")


class Ready(str):
    """Markdown already: not escaped again."""

    __slots__ = ()


def as_markdown(value: object) -> str:
    """Returns a value as text that Markdown shows as it is, on one line; `Ready` text unchanged."""
    if isinstance(value, Ready):
        return value
    return _LIST.sub(r"\1\\\2", _inline(" ".join(str(value).split())))


def _inline(text: str) -> str:
    return _SIGNS.sub(lambda sign: _ENTITIES.get(sign[1], f"\\{sign[1]}"), re.sub(r"\s+", " ", text))


def as_code(value: str) -> Ready:
    """Returns a digest or a version as code, and anything with other signs in it as text."""
    return Ready(f"`{value}`" if _CODE.fullmatch(value) else as_markdown(value))


def ticked(text: str) -> Ready:
    """Returns text in which what stands between backticks is code."""
    parts = re.split(r"`([^`]+)`", text)
    told = "".join(as_code(part) if place % 2 else _inline(part) for place, part in enumerate(parts))
    return Ready(_LIST.sub(r"\1\\\2", told))


def table_in_markdown(table: TextTable) -> Ready:
    """Returns a table with its first column to the left and the others to the right."""
    head = (table.corner, *table.columns)
    rows = [(row.whole_head, *(cell.whole if cell else "" for cell in row.cells)) for row in table.rows]
    lines = [_line(head), _line([Ready("---"), *[Ready("---:")] * len(table.columns)]), *map(_line, rows)]
    return Ready("\n".join(lines))


def _line(cells: tuple[str, ...] | list[Ready]) -> str:
    return f"| {' | '.join(map(as_markdown, cells))} |"
