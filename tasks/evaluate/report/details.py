"""The file that ships, class by class and slice by slice."""

from tasks.contracts.scores import ClassScore, SliceScore
from tasks.evaluate.report.report import Report
from tasks.evaluate.report.table import Cell, Column, Table, table_of
from tasks.evaluate.report.words import ends, percent

Classes = tuple[ClassScore, ClassScore | None]
Slices = tuple[SliceScore, SliceScore | None]


def per_class(report: Report) -> Table:
    """Returns a row per class, the one with the lowest recall first, beside the teacher's recall."""
    taught = {score.label: score for score in report.teacher.classes}
    ours = sorted(report.shipped.classes, key=lambda score: score.recall)
    columns: tuple[Column[Classes], ...] = (
        Column("recall", lambda pair: Cell(percent(pair[0].recall))),
        Column("teacher's recall", lambda pair: Cell(percent(pair[1].recall)) if pair[1] else None),
        Column("precision", lambda pair: Cell(percent(pair[0].precision))),
        Column("F1", lambda pair: Cell(percent(pair[0].f1))),
        Column("test samples", lambda pair: Cell(f"{pair[0].samples:,}")),
    )
    rows = [(score.label, "", (score, taught.get(score.label))) for score in ours]
    return table_of("Each class, as the file that ships sees it; lowest recall first", "class", columns, rows)


def per_slice(report: Report) -> Table:
    """Returns a row per value of each column of the data that the test split was cut by."""
    taught = {(part.column, part.value): part for part in report.teacher.slices}
    columns: tuple[Column[Slices], ...] = (
        Column("accuracy", lambda pair: _accuracy(pair[0])),
        Column("teacher's accuracy", lambda pair: _accuracy(pair[1]) if pair[1] else None),
        Column("test samples", lambda pair: Cell(f"{pair[0].samples:,}")),
    )
    rows = [
        (f"{part.column}: {part.value}", "", (part, taught.get((part.column, part.value))))
        for part in report.shipped.slices
    ]
    return table_of("Parts of the test split, as the file that ships sees them", "part", columns, rows)


def _accuracy(part: SliceScore) -> Cell:
    return Cell(percent(part.accuracy.value), ends(part.accuracy))
