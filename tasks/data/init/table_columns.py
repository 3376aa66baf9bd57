"""What each column of a table is, and what becomes of it in a first recipe."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tasks.data.init.table_form import TableForm, gap_marks
from tasks.data.readers.columns import DATED, EMPTY, LISTS, MOSTLY, TEXT, type_of
from tasks.data.readers.rows import DATE, RawTable
from tasks.runtime.preprocess.cells import (
    BOOLEAN,
    CATEGORY,
    LARGEST,
    NUMBER,
    PERCENT,
    NumberFormat,
    TableColumn,
    value_of,
)

INDEX = re.compile(r"unnamed: \d+|index|idx|id|uuid|guid|row[ _]?(id|nr|no|number)?|nr|no\.?", re.IGNORECASE)
"""names of columns that number or name the rows"""
CODE = re.compile(r"\s*0\d+\s*")
"""a zero before other digits: a column that has it is one of codes, such as `01067`, and no measurement"""
MEASURED = re.compile(r"\s*[-+]?\d[\d.,' ]*\s*[^\d\s]{0,5}\s*")
"""what looks like a number to a person, perhaps with a unit"""
MOST_VALUES = 100
"""of a text column that becomes features, one per value"""
FEW_VALUES, FEW_EACH = 20, 3
"""a text column of more values than that, each in fewer rows than that, is free text"""
EXAMPLES = 3
LONGEST = 24
"""characters of an example"""
LEFT_OUT = "left out"
BECOMES = {NUMBER: "a feature", PERCENT: "a feature: the number before `%`", BOOLEAN: "a feature: 1 or 0"}


@dataclass(frozen=True)
class ColumnGuess:
    """A column: its type, what is in it, and why it is left out, if it is."""

    name: str
    type: str
    gaps: int
    examples: tuple[str, ...]
    becomes: str
    left_out: str = ""
    """why; empty where it is learned from"""
    marks: tuple[str, ...] = ()
    """texts that mean a gap here"""
    mistakes: tuple[tuple[int, str], ...] = ()
    """(row, cell) that are not of the type"""

    @property
    def row(self) -> tuple[str, ...]:
        """For a table of all columns."""
        return (self.name, self.type, f"{self.gaps:,}", "; ".join(self.examples), self.becomes)


def look_at(table: RawTable, name: str, form: TableForm, label: bool = False) -> ColumnGuess:
    """Looks at all cells of a column."""
    if not label and (kind := table.unfit(name)):
        why = "dates or times" if kind == DATE else f"{kind}, neither numbers nor texts"
        why = f"{why}: write a column per place of the list to learn from it" if kind.startswith(LISTS) else why
        return ColumnGuess(name, "date" if kind == DATE else kind, table.columns[name].null_count, (), LEFT_OUT, why)
    cells = table.cells(name)
    marks = () if label else gap_marks(cells, form.written)
    facts = TableColumn(name, CATEGORY, missing_values=marks)
    filled = [(row, cell) for row, cell in enumerate(cells) if not facts.is_gap(cell)]
    values = [cell for _, cell in filled]
    kind = type_of(values, form.written)
    kind = TEXT if kind == NUMBER and any(CODE.fullmatch(value) for value in values) else kind
    why = "" if label else _left_out(name, kind, values, form.written)
    different = list(dict.fromkeys(values))
    features = BECOMES.get(kind, f"{len(different):,} features, one a value")
    return ColumnGuess(
        name,
        TEXT if label else kind,
        len(cells) - len(values),
        tuple(_short(value) for value in different[:EXAMPLES]),
        "the label" if label else LEFT_OUT if why else features,
        why,
        marks,
        () if label or why else _mistakes(filled, kind, form.written),
    )


def _mistakes(filled: list[tuple[int, str]], kind: str, written: NumberFormat) -> tuple[tuple[int, str], ...]:
    if kind == TEXT:
        return ()
    read = ((row, cell, value_of(cell, kind, written)) for row, cell in filled)
    return tuple((row, cell) for row, cell, value in read if value is None or abs(value) > LARGEST)


def _left_out(name: str, kind: str, values: Sequence[str], written: NumberFormat) -> str:
    """Returns why a column should not be learned from; empty where it may."""
    different = len(set(values))
    if kind == EMPTY:
        return "no value in any row"
    if different == 1:
        return "the same value in every row"
    if kind == DATED:
        return "dates or times: each new day would be a new category"
    if INDEX.fullmatch(name) or (kind == NUMBER and _counts_up(values, written)):
        return "numbers or names the rows, and may tell the label where they are sorted"
    if kind == TEXT and (different > MOST_VALUES or _free(different, len(values))):
        measured = sum(MEASURED.fullmatch(value) is not None for value in values) > MOSTLY * len(values)
        what = "numbers in another format than the others, or with a unit" if measured else "free text"
        return f"{what}: {different:,} different values in {len(values):,} rows"
    return ""


def _free(different: int, count: int) -> bool:
    return different == count or (different > FEW_VALUES and different * FEW_EACH > count)


def _counts_up(values: Sequence[str], written: NumberFormat) -> bool:
    """Says whether whole numbers only rise, or only fall, from row to row."""
    numbers = [written.number(value) for value in values]
    known = [number for number in numbers if number is not None and number.is_integer()]
    pairs = [*pairwise(known)]
    rises, falls = (all(a < b for a, b in pairs), all(a > b for a, b in pairs))
    return len(known) == len(values) and (rises or falls)


def _short(value: str) -> str:
    text = " ".join(value.split()) if value.strip() == value else f"`{value}`"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
