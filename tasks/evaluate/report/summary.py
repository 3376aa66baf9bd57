"""All models side by side: teacher, students, candidates, and the champions they were measured against."""

from collections.abc import Callable

from tasks.contracts.metrics import Interval
from tasks.contracts.scores import Score
from tasks.evaluate.report.report import Report
from tasks.evaluate.report.table import Cell, Column, Table, table_of
from tasks.evaluate.report.words import ends, megabytes, milliseconds, percent

QUALITY: tuple[Column[Score], ...] = (
    Column("accuracy", lambda s: _part(s.accuracy)),
    Column("macro F1", lambda s: _part(s.macro_f1)),
    Column("agreement", lambda s: _part(s.agreement)),
    Column("calibration error", lambda s: Cell(f"{s.calibration_error:.4f}")),
)
COST: tuple[Column[Score], ...] = (
    Column("parameters", lambda s: Cell(f"{s.parameters:,}")),
    Column("bytes", lambda s: Cell(f"{s.size:,}")),
    Column("p50 ms", lambda s: Cell(milliseconds(s.p50_ms))),
    Column("p95 ms", lambda s: Cell(milliseconds(s.p95_ms))),
    Column("p99 ms", lambda s: None if s.p99_ms is None else Cell(milliseconds(s.p99_ms))),
)
REST: tuple[Column[Score], ...] = (
    Column("load ms", lambda s: Cell(milliseconds(s.footprint.load_ms)) if s.footprint else None),
    Column("peak memory", lambda s: Cell(megabytes(s.footprint.peak_bytes)) if s.footprint else None),
    Column("parity", lambda s: Cell(f"{s.parity:.2g}")),
)


def summary(report: Report) -> Table:
    """Returns a row per model; the one that ships says so."""
    evaluation = report.evaluation
    ours = [(report.name_of(s), "ships" if s.name == evaluation.chosen else "", s) for s in evaluation.scores]
    theirs = [
        (f"version {challenge.version}", f"champion of {challenge.environment}", challenge.champion)
        for challenge in report.all_challenges
    ]
    every = [score for _, _, score in (*ours, *theirs)]
    heads = [Column(f"accuracy of {head}", _head(head)) for head in dict.fromkeys(h for s in every for h in s.heads)]
    batches = [_batch(size) for size in dict.fromkeys(s.batch.batch_size for s in every if s.batch)]
    columns = (QUALITY[0], *heads, *QUALITY[1:], *COST, *batches, *REST)
    caption = f"Scores on the same {evaluation.data.samples.get('test', 0):,} test samples"
    return table_of(caption, "model", columns, [*ours, *theirs])


def _part(interval: Interval) -> Cell:
    return Cell(percent(interval.value), ends(interval) if interval.low < interval.high else "")


def _head(name: str) -> Callable[[Score], Cell | None]:
    return lambda score: _part(score.heads[name]) if name in score.heads else None


def _batch(size: int) -> Column[Score]:
    def cell(score: Score) -> Cell | None:
        return Cell(milliseconds(score.batch.p50_ms)) if score.batch and score.batch.batch_size == size else None

    return Column(f"batch of {size}, p50 ms", cell)
