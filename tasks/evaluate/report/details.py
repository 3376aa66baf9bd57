"""The file that ships in detail: tables of its kind of task, and slice by slice."""

from tasks.contracts.scores import Heading, SliceScore, Table
from tasks.contracts.words import cell_in_words, ends, shown
from tasks.evaluate.report.report import Report
from tasks.evaluate.report.table import Cell, TableRow, TextColumn, TextTable, table_of

Slices = tuple[SliceScore, SliceScore | None]


def own_tables(report: Report) -> tuple[TextTable, ...]:
    """Returns the tables that only its kind of task has."""
    return tuple(_in_words(table) for table in report.evaluation.tables)


def per_slice(report: Report) -> TextTable:
    """Returns a row per value of each column of the data that the test split was cut by."""
    title = report.metric.title
    taught = {(part.column, part.value): part for part in report.teacher.slices}
    columns: tuple[TextColumn[Slices], ...] = (
        TextColumn(title, lambda pair: _cell(report, pair[0])),
        TextColumn(f"teacher's {title}", lambda pair: _cell(report, pair[1]) if pair[1] else None),
        TextColumn("test samples", lambda pair: Cell(f"{pair[0].samples:,}")),
    )
    rows = [
        (f"{part.column}: {part.value}", "", (part, taught.get((part.column, part.value))))
        for part in report.shipped.slices
    ]
    return table_of("Parts of the test split, as the file that ships sees them", "part", columns, rows)


def _cell(report: Report, part: SliceScore) -> Cell:
    interval = part.metrics[report.metric.name]
    return Cell(shown(report.metric, interval.value), ends(report.metric, interval))


def _in_words(table: Table) -> TextTable:
    corner, *columns = table.head
    found = ((cell_in_words(head, corner), cells) for head, *cells in table.rows)
    rows = tuple(TableRow(head, tuple(map(_value, cells, columns))) for head, cells in found)
    return TextTable(table.title, corner.title, tuple(one.title for one in columns), rows)


def _value(value: str | int | float | None, heading: Heading) -> Cell | None:
    return None if value is None else Cell(cell_in_words(value, heading))
