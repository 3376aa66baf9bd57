"""All models side by side: teacher, students, candidates, and the champions they were measured against."""

from collections.abc import Callable, Iterator, Sequence

from tasks.contracts.metrics import Interval, Metric, split_name
from tasks.contracts.scores import Score
from tasks.contracts.words import ends, megabytes, milliseconds, shown
from tasks.evaluate.report.report import Report
from tasks.evaluate.report.table import Cell, TextColumn, TextTable, table_of

AGREEMENT = Metric("agreement", "agreement")
COST: tuple[TextColumn[Score], ...] = (
    TextColumn("parameters", lambda s: Cell(f"{s.parameters:,}")),
    TextColumn("bytes", lambda s: Cell(f"{s.size:,}")),
    TextColumn("p50 ms", lambda s: Cell(milliseconds(s.p50_ms))),
    TextColumn("p95 ms", lambda s: Cell(milliseconds(s.p95_ms))),
    TextColumn("p99 ms", lambda s: Cell(milliseconds(s.p99_ms))),
)
REST: tuple[TextColumn[Score], ...] = (
    TextColumn("load ms", lambda s: Cell(milliseconds(s.footprint.load_ms)) if s.footprint else None),
    TextColumn("peak memory", lambda s: Cell(megabytes(s.footprint.peak_bytes)) if s.footprint else None),
    TextColumn("parity", lambda s: Cell(f"{s.parity:.2g}")),
)


def summary(report: Report) -> TextTable:
    """Returns a row per model; the one that ships says so."""
    evaluation = report.evaluation
    ours = [(report.name_of(s), "ships" if s.name == evaluation.chosen else "", s) for s in evaluation.scores]
    theirs = [
        (f"version {challenge.version}", f"champion of {challenge.environment}", challenge.champion)
        for challenge in report.all_challenges
    ]
    every = [score for _, _, score in (*ours, *theirs)]
    quality = [column for metric in report.metrics if metric.in_summary for column in _columns(metric, every)]
    batches = [_batch(size) for size in dict.fromkeys(s.batch.batch_size for s in every)]
    columns = (*quality, TextColumn("agreement", _agreement), *COST, *batches, *REST)
    caption = f"Scores on the same {evaluation.data.samples.get('test', 0):,} test samples"
    return table_of(caption, "model", columns, [*ours, *theirs])


def _columns(metric: Metric, scores: Sequence[Score]) -> Iterator[TextColumn[Score]]:
    """Yields a column for a metric, or for each of its groups that a model has."""
    for name in dict.fromkeys(name for score in scores for name in metric.names_in(score.metrics)):
        _, group = split_name(name)
        yield TextColumn(f"{metric.title} of {group}" if group else metric.title, _value(metric, name))


def _value(metric: Metric, name: str) -> Callable[[Score], Cell | None]:
    return lambda score: _cell(metric, score.metrics[name]) if name in score.metrics else None


def _cell(metric: Metric, interval: Interval) -> Cell:
    return Cell(shown(metric, interval.value), ends(metric, interval) if interval.low < interval.high else "")


def _agreement(score: Score) -> Cell:
    return _cell(AGREEMENT, score.agreement)


def _batch(size: int) -> TextColumn[Score]:
    def cell(score: Score) -> Cell | None:
        return Cell(milliseconds(score.batch.p50_ms)) if score.batch.batch_size == size else None

    return TextColumn(f"batch of {size}, p50 ms", cell)
