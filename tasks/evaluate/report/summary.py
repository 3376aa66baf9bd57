"""All models side by side: teacher, students, candidates, and the champions they were measured against."""

from collections.abc import Callable, Iterator, Sequence

from tasks.contracts.metrics import Interval, Metric, split_name
from tasks.contracts.scores import ConstantScore, Score
from tasks.contracts.words import ends, megabytes, milliseconds, shown
from tasks.evaluate.report.report import Report
from tasks.evaluate.report.table import Cell, TextColumn, TextTable, table_of

AGREEMENT = Metric("agreement", "agreement")
Judged = Score | ConstantScore
JudgedColumn = TextColumn[Judged]


def _of_file(heading: str, cell: Callable[[Score], Cell | None]) -> JudgedColumn:
    """Returns a column that the constant answer has nothing in: it is no file."""
    return TextColumn(heading, lambda judged: cell(judged) if isinstance(judged, Score) else None)


COST = (
    _of_file("parameters", lambda s: Cell(f"{s.parameters:,}")),
    _of_file("bytes", lambda s: Cell(f"{s.size:,}")),
    _of_file("p50 ms", lambda s: Cell(milliseconds(s.p50_ms))),
    _of_file("p95 ms", lambda s: Cell(milliseconds(s.p95_ms))),
    _of_file("p99 ms", lambda s: Cell(milliseconds(s.p99_ms))),
)
REST = (
    _of_file("load ms", lambda s: Cell(milliseconds(s.footprint.load_ms)) if s.footprint else None),
    _of_file("peak memory", lambda s: Cell(megabytes(s.footprint.peak_bytes)) if s.footprint else None),
    _of_file("parity", lambda s: Cell(f"{s.parity:.2g}")),
)


def summary(report: Report) -> TextTable:
    """Returns a row per model, of which the one that ships says so, and one of the best constant answer."""
    evaluation = report.evaluation
    models = [*_ours(report), *_theirs(report)]
    every = [score for _, _, score in models]
    rows: list[tuple[str, str, Judged]] = [*models]
    rows += [(one.words, "", one)] if (one := evaluation.constant) else []
    quality = [column for metric in report.metrics if metric.in_summary for column in _columns(metric, every)]
    batches = [_batch(size) for size in dict.fromkeys(s.batch.batch_size for s in every)]
    columns = (*quality, _of_file("agreement", _agreement), *COST, *batches, *REST)
    caption = f"Scores on the same {evaluation.data.samples.get('test', 0):,} test samples"
    return table_of(caption, "model", columns, rows)


def _ours(report: Report) -> Iterator[tuple[str, str, Score]]:
    for score in report.evaluation.scores:
        yield report.name_of(score), "ships" if score.name == report.evaluation.chosen else "", score


def _theirs(report: Report) -> Iterator[tuple[str, str, Score]]:
    for challenge in report.all_challenges:
        yield f"version {challenge.version}", f"champion of {challenge.environment}", challenge.champion


def _columns(metric: Metric, scores: Sequence[Score]) -> Iterator[JudgedColumn]:
    """Yields a column for a metric, or for each of its groups that a model has."""
    for name in dict.fromkeys(name for score in scores for name in metric.names_in(score.metrics)):
        _, group = split_name(name)
        yield TextColumn(f"{metric.title} of {group}" if group else metric.title, _value(metric, name))


def _value(metric: Metric, name: str) -> Callable[[Judged], Cell | None]:
    return lambda score: _cell(metric, score.metrics[name]) if name in score.metrics else None


def _cell(metric: Metric, interval: Interval) -> Cell:
    return Cell(shown(metric, interval.value), ends(metric, interval) if interval.low < interval.high else "")


def _agreement(score: Score) -> Cell:
    return _cell(AGREEMENT, score.agreement)


def _batch(size: int) -> JudgedColumn:
    def cell(score: Score) -> Cell | None:
        return Cell(milliseconds(score.batch.p50_ms)) if score.batch.batch_size == size else None

    return _of_file(f"batch of {size}, p50 ms", cell)
