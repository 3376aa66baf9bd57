"""The first screen: one line of verdict and four numbers."""

from dataclasses import dataclass

from tasks.report.report import Report
from tasks.report.words import TIMES, ends, gain_in_words, listed, milliseconds, percent, points, times, with_ends


@dataclass(frozen=True)
class BigNumber:
    """A number, what it is, and what it is to be held against."""

    number: str
    what: str
    beside: str


def verdict_line(report: Report) -> str:
    """Returns the last word of every gate in one line."""
    passed = [name for name, verdict in report.latest.items() if verdict.passed]
    refused = [
        f"refused by {name} ({listed([check.limit for check in verdict.checks if not check.passed])})"
        for name, verdict in report.latest.items()
        if not verdict.passed
    ]
    parts = [*([f"let into {listed(passed)}"] if passed else []), *refused]
    return "; ".join(parts) or "registered; no gate was asked yet"


def big_numbers(report: Report) -> tuple[BigNumber, ...]:
    """Returns accuracy, size and speed of what ships against the teacher, and what the teacher was worth."""
    return (_accuracy(report), _size(report), _speed(report), _gain(report))


def _accuracy(report: Report) -> BigNumber:
    ours, theirs = report.shipped.accuracy, report.teacher.accuracy
    difference = points(ours.value - theirs.value)
    beside = f"{ends(ours)}; the teacher has {with_ends(theirs)}, so this is {difference}"
    return BigNumber(percent(ours.value), f"accuracy of {report.shipped.name}, which ships", beside)


def _size(report: Report) -> BigNumber:
    ours, theirs = report.shipped.size, report.teacher.size
    what = "smaller than the teacher" if ours <= theirs else "larger than the teacher"
    return BigNumber(f"{_ratio(ours, theirs)} {TIMES}", what, f"{ours:,} against {theirs:,} bytes")


def _speed(report: Report) -> BigNumber:
    ours, theirs = report.shipped.p50_ms, report.teacher.p50_ms
    what = "faster than the teacher" if ours <= theirs else "slower than the teacher"
    beside = f"{milliseconds(ours)} against {milliseconds(theirs)} ms for one sample, median"
    return BigNumber(f"{_ratio(ours, theirs)} {TIMES}", what, beside)


def _gain(report: Report) -> BigNumber:
    gain = report.evaluation.gain
    beside = f"{ends(gain, '+')} over the same student without its teacher: {gain_in_words(gain)}"
    return BigNumber(points(gain.value), "gained by distillation", beside)


def _ratio(one: float, other: float) -> str:
    return times(max(one, other), min(one, other))
