"""Which type each column of a table has, and whether the columns are those that the recipe names."""

import re
from collections.abc import Iterable, Iterator, Sequence

from params.readers import ALL_COLUMNS, TableReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.rows import DATE, RawTable
from tasks.runtime.preprocess.cells import BOOLEAN, CATEGORY, NUMBER, PERCENT, NumberFormat, TableColumn, value_of

MOSTLY = 0.5
"""a column of which a larger part of the values is of a type is of that type, and its other values are mistakes"""
MOST_CATEGORIES = 1_000
"""of one column; each is a feature"""
LISTS = ("list<", "large_list<", "fixed_size_list<", "list_view<", "large_list_view<")
"""how the names of such types begin"""
LEAVE_OUT = "list it in `data.reader.ignore`"
DATED, TEXT, EMPTY = "date", "text", "empty"
_TIME = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([AaPp][Mm])?"
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = "|".join(
    [
        r"\d{4}[-/.](0?[1-9]|1[0-2])[-/.](0?[1-9]|[12]\d|3[01])",
        r"(0?[1-9]|[12]\d|3[01])[-/.](0?[1-9]|[12]\d|3[01])[-/.]\d{4}",
        r"(0?[1-9]|[12]\d|3[01])/(0?[1-9]|[12]\d|3[01])/\d{2}",
        rf"\d{{1,2}}\.?[ -]{_MONTH}[ -]\d{{2,4}}",
        rf"{_MONTH} \d{{1,2}},? \d{{4}}",
    ]
)
_DATE = re.compile(rf"\s*(({_DAY})([T ]\s*{_TIME}\s*(Z|[+-]\d{{2}}:?\d{{2}})?)?|{_TIME})\s*", re.IGNORECASE)


def row_name(row: int) -> str:
    """Returns what a row is called, counted from 1 as people do."""
    return f"row {row + 1:08d}"


def number_format(reader: TableReader) -> NumberFormat:
    """Returns how the recipe says that numbers are written."""
    return NumberFormat(reader.decimal, reader.thousands)


def type_of(values: Sequence[str], written: NumberFormat) -> str:
    """Returns the type of a column whose values are these texts, gaps left out."""
    if not values:
        return EMPTY
    for kind in (NUMBER, PERCENT, BOOLEAN):
        if _most(value_of(value, kind, written) is not None for value in values):
            return kind
    return DATED if _most(_DATE.fullmatch(value) is not None for value in values) else TEXT


def values_of(reader: TableReader, table: RawTable, column: str) -> list[str]:
    """Returns the cells of a column that are no gaps."""
    facts = TableColumn(column, CATEGORY, missing_values=reader.gaps_of(column))
    return [cell for cell in table.cells(column) if not facts.is_gap(cell)]


def check_columns(reader: TableReader, table: RawTable) -> dict[str, str]:
    """Returns the type of each column to learn from.

    Raises:
        DataError: columns are missing, or cannot be learned from and are not in `ignore`; all problems at once.
    """
    problems = [*_unknown(reader, table), *_contradictions(reader, table)]
    if reader.label in table.columns and (kind := table.unfit(reader.label)) not in ("", DATE):
        problems.append(mismatch(table.file, reader.label, "labels", kind, "name another column in `label`"))
    learned = [column for column in table.columns if column not in (reader.label, *reader.ignore)]
    types = {column: _type(reader, table, column) for column in learned}
    problems += [_unfit(table, column, kind) for column, kind in types.items() if kind not in _FIT]
    texts = [column for column, kind in types.items() if kind == TEXT]
    if problems or texts:
        raise DataError("\n".join([*problems, *_told(texts)]))
    return types


def categories_of(values: Iterable[str]) -> tuple[str, ...]:
    """Returns different texts in order: numbers by value, then the others."""
    return tuple(sorted(set(values), key=_order))


_FIT = (NUMBER, PERCENT, BOOLEAN, CATEGORY, TEXT)


def _type(reader: TableReader, table: RawTable, column: str) -> str:
    if kind := table.unfit(column):
        return kind
    found = type_of(values_of(reader, table, column), number_format(reader))
    return CATEGORY if column in reader.categorical and found not in (EMPTY, DATED) else found


def _unfit(table: RawTable, column: str, kind: str) -> str:
    if kind.startswith(LISTS):
        expected, do = "one number or text per cell", f"write a column per place of the list, or {LEAVE_OUT}"
        return mismatch(table.file, column, expected, f"lists ({kind})", do)
    got = {EMPTY: f"no value in any of {table.rows:,} rows", DATED: "dates or times", DATE: "dates or times"}
    do = LEAVE_OUT
    if kind in (DATED, DATE):
        do = f"{do}, or make numbers of it, such as the weekday: each new day would be a new category"
    return mismatch(table.file, column, "numbers, or texts that come again", got.get(kind, kind), do)


def _unknown(reader: TableReader, table: RawTable) -> Iterator[str]:
    named = {
        "label": (reader.label,),
        "categorical": reader.categorical,
        "ignore": reader.ignore,
        "indicators": reader.indicators or (),
        "missing_values": tuple(name for name in reader.missing_values if name != ALL_COLUMNS),
    }
    for field, names in named.items():
        for name in names:
            if name not in table.columns:
                expected = f"one of the columns {', '.join(table.columns)}"
                yield mismatch("data.reader", field, expected, f"`{name}`", "correct the name")


def _contradictions(reader: TableReader, table: RawTable) -> Iterator[str]:
    if reader.label in reader.ignore:
        yield mismatch("data.reader", "ignore", "columns other than the label", f"`{reader.label}`", "remove it")
    if {reader.label, *reader.ignore} >= {*table.columns}:
        yield mismatch("data.reader", "ignore", "columns left to learn from", "none", "ignore fewer")


def _told(texts: list[str]) -> list[str]:
    do = "add them to `data.reader.categorical` or to `data.reader.ignore`"
    got = ", ".join(f"`{column}`" for column in texts)
    return [mismatch("data.reader", "categorical", "every column that is not numeric", got, do)] if texts else []


def _most(answers: Iterable[bool]) -> bool:
    counted = [*answers]
    return sum(counted) > MOSTLY * len(counted)


def _order(text: str) -> tuple[bool, float, str]:
    number = NumberFormat().number(text)
    return (number is None, number or 0, text)
