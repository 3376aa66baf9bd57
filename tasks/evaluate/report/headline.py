"""The first screen: one line of verdict and four numbers."""

from dataclasses import dataclass

from tasks.contracts.words import (
    TIMES,
    apart,
    beginnings_in_words,
    counted,
    deferral_in_words,
    difference,
    ends,
    gain_in_words,
    listed,
    listening_in_words,
    milliseconds,
    operating_in_words,
    shown,
    times,
    verification_in_words,
    with_ends,
)
from tasks.evaluate.report.report import Report


@dataclass(frozen=True)
class BigNumber:
    """A number, what it is, and what it is to be held against."""

    number: str
    what: str
    beside: str


@dataclass(frozen=True)
class GateResult:
    """What gates said last, in a few words; None where no gate was asked."""

    passed: bool | None
    words: str


def gate_results(report: Report) -> tuple[GateResult, ...]:
    """Returns where the release was let in, and which gates refused it for which limits."""
    passed = [name for name, verdict in report.latest.items() if verdict.passed]
    let_in = [GateResult(True, f"let into {listed(passed)}")] if passed else []
    refused = [
        GateResult(False, f"refused by {name} ({listed(verdict.broken)})")
        for name, verdict in report.latest.items()
        if not verdict.passed
    ]
    return (*let_in, *refused) or (GateResult(None, "registered; no gate was asked yet"),)


def verdict_line(report: Report) -> str:
    """Returns the same in one line."""
    return "; ".join(result.words for result in gate_results(report))


def big_numbers(report: Report) -> tuple[BigNumber, ...]:
    """Returns quality, size and speed of what ships against the teacher, and what the teacher was worth, if known."""
    gain = (_gain(report),) if report.evaluation.gains else ()
    return (_quality(report), _size(report), _speed(report), *gain)


def machine_in_words(report: Report) -> str:
    """Returns where latencies were measured and under what load; empty where that is not on record."""
    machine = report.evaluation.machine
    if machine is None:
        return ""
    loads = [f"{load:.1f}" for load in (machine.load_before, machine.load_after) if load is not None]
    load = f", load average {' before and '.join(loads)} after" if len(loads) > 1 else ""
    others = "" if machine.others is None else f", other processes used {machine.others:.1f} cores meanwhile"
    return (
        f"{machine.processor}, {counted(machine.threads, 'thread')} of {counted(machine.cores, 'core')}{load}{others}"
    )


def constant_in_words(report: Report) -> str:
    """Returns what the best answer that looks at no input scores; empty where it was not measured."""
    constant, metric = report.evaluation.constant, report.metric
    return f"{constant.words}, {metric.title} {with_ends(metric, constant.metrics[metric.name])}" if constant else ""


def beginnings_told(report: Report) -> str:
    """Returns which release each training began with; empty where the recipe asks for none."""
    return beginnings_in_words(report.evaluation.beginnings)


def deferral_told(report: Report) -> str:
    """Returns what the file that ships leaves to somebody else; empty where it leaves nothing."""
    deferral = report.evaluation.deferral
    return deferral_in_words(deferral) if deferral else ""


def listening_told(report: Report) -> str:
    """Returns how the file that ships does while it listens; empty where it does not."""
    listening = report.evaluation.listening
    return listening_in_words(listening) if listening else ""


def verification_told(report: Report) -> str:
    """Returns how the file that ships tells pairs that are the same from others; empty where nothing asks for it."""
    verification = report.evaluation.verification
    return verification_in_words(verification) if verification else ""


def operating_told(report: Report) -> str:
    """Returns from which score on the file that ships tells answers; empty where nothing asks for a limit."""
    point = report.evaluation.operating
    return operating_in_words(point, report.metrics, report.shipped) if point else ""


def _quality(report: Report) -> BigNumber:
    metric = report.metric
    ours, theirs = (score.metrics[metric.name] for score in (report.shipped, report.teacher))
    distance = apart(metric, ours.value, theirs.value)
    beside = f"{ends(metric, ours)}; {distance} the teacher's {with_ends(metric, theirs)}"
    return BigNumber(shown(metric, ours.value), f"{metric.title} of {report.shipped.name}, which ships", beside)


def _size(report: Report) -> BigNumber:
    ours, theirs = report.shipped.size, report.teacher.size
    number, what = _against_teacher(ours, theirs, ("smaller than", "larger than", "the size of"))
    return BigNumber(number, what, f"{ours:,} against {theirs:,} bytes")


def _speed(report: Report) -> BigNumber:
    ours, theirs = report.shipped.p50_ms, report.teacher.p50_ms
    number, what = _against_teacher(ours, theirs, ("faster than", "slower than", "the latency of"))
    return BigNumber(number, what, f"{milliseconds(ours)} against {milliseconds(theirs)} ms for one sample, median")


def _against_teacher(ours: float, theirs: float, words: tuple[str, str, str]) -> tuple[str, str]:
    """Returns how many times, and of what: less, more, or about as much."""
    number = times(max(ours, theirs), min(ours, theirs))
    word = words[2] if number == "1.0" else words[ours > theirs]
    return f"{number} {TIMES}", f"{word} the teacher"


def _gain(report: Report) -> BigNumber:
    metric, gain = report.metric, report.evaluation.gains[report.metric.name]
    told = gain_in_words(gain.times(metric.sign))
    learned = f"; to learn from: {learned}" if (learned := report.evaluation.data.learned_from) else ""
    beside = f"{ends(metric, gain, '+')} over the same student without its teacher; {told}{learned}"
    return BigNumber(difference(metric, gain.value), "gained by distillation", beside)
