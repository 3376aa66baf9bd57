"""All models side by side: teacher, students, candidates, and the champions they were measured against."""

from collections.abc import Callable

from tasks.report.report import Report
from tasks.report.table import Cell, Column, Table, table_of
from tasks.report.words import ends, megabytes, milliseconds, percent
from tasks.scores import Interval, Score

COLUMNS: tuple[Column[Score], ...] = (
    Column("accuracy", lambda s: _part(s.accuracy)),
    Column("macro F1", lambda s: _part(s.macro_f1)),
    Column("agreement", lambda s: _part(s.agreement)),
    Column("calibration error", lambda s: Cell(f"{s.calibration_error:.4f}")),
    Column("parameters", lambda s: Cell(f"{s.parameters:,}")),
    Column("bytes", lambda s: Cell(f"{s.size:,}")),
    Column("p50 ms", lambda s: Cell(milliseconds(s.p50_ms))),
    Column("p95 ms", lambda s: Cell(milliseconds(s.p95_ms))),
    Column("p99 ms", lambda s: None if s.p99_ms is None else Cell(milliseconds(s.p99_ms))),
    Column("batch p50 ms", lambda s: _batch(s)),
    Column("load ms", lambda s: Cell(milliseconds(s.footprint.load_ms)) if s.footprint else None),
    Column("peak memory", lambda s: Cell(megabytes(s.footprint.peak_bytes)) if s.footprint else None),
    Column("parity", lambda s: Cell(f"{s.parity:.1e}")),
)


def summary(report: Report) -> Table:
    """Returns a row per model; the one that ships says so."""
    evaluation = report.evaluation
    ours = [(report.name_of(s), "ships" if s.name == evaluation.chosen else "", s) for s in evaluation.scores]
    theirs = [(f"version {duel.version}", f"champion of {duel.environment}", duel.champion) for duel in report.duels]
    heads = dict.fromkeys(head for score in evaluation.scores for head in score.heads)
    columns = (COLUMNS[0], *(Column(f"accuracy of {head}", _head(head)) for head in heads), *COLUMNS[1:])
    caption = f"All models on the same {evaluation.data.samples.get('test', 0):,} test samples"
    return table_of(caption, "model", columns, [*ours, *theirs])


def _part(interval: Interval) -> Cell:
    return Cell(percent(interval.value), ends(interval))


def _head(name: str) -> Callable[[Score], Cell | None]:
    return lambda score: _part(score.heads[name]) if name in score.heads else None


def _batch(score: Score) -> Cell | None:
    return Cell(milliseconds(score.batch.p50_ms), f"batch of {score.batch.batch_size}") if score.batch else None
