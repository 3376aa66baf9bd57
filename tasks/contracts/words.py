"""Numbers, limits and verdicts as people read them; records hold the numbers alone."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.contracts.beginnings import Beginning
from tasks.contracts.metrics import Check, Interval, Metric
from tasks.contracts.releases import APPROVAL, LICENCES, PROVEN_ON, REQUIRES, SELF_TEST, Verdict
from tasks.contracts.scores import BASELINE, STUDENT, Discordant, Heading, Listening, Score
from tasks.contracts.thresholds import Deferral, OperatingPoint, Verification

TIMES = "\N{MULTIPLICATION SIGN}"
NOT_WORSE = "not_worse_than_champion"
WRITTEN = 6
"""digits of a number that a person writes, at most"""
TITLES = {BASELINE: "student alone", STUDENT: "student distilled"}
WORDS = {">=": "at least", "<=": "at most"}


@dataclass(frozen=True)
class LimitText:
    """One limit of a gate in words."""

    limit: str
    expected: str
    got: str
    passed: bool

    @property
    def line(self) -> str:
        """All but whether it is kept."""
        return f"`{self.limit}`: expected {self.expected}, got {self.got}"


def title_of(name: str) -> str:
    """Returns what a person calls a model."""
    return TITLES.get(name, name)


def check_text(check: Check) -> LimitText:
    """Returns a check in words; as many digits as it takes to see whether the limit is kept.

    A limit that a person wrote is told as it was written; one that was measured, like the number beside it.
    """
    written = any(float(f"{check.threshold:.{digits}g}") == check.threshold for digits in range(1, WRITTEN + 1))
    for digits in range(4, 17):
        limit = _told(check.threshold, 15 if written else digits)
        got = _told(check.value, digits)
        if _agrees(check, limit, got):
            break
    told = f"{got} ({check.where})" if check.where else got
    return LimitText(check.limit, f"{WORDS[check.op]} {limit}", told, check.passed)


def _told(number: float, digits: int) -> str:
    return f"{number:,.0f}" if number.is_integer() else f"{number:,.{digits}g}"


def limit_texts(verdict: Verdict) -> tuple[LimitText, ...]:
    """Returns every limit of a verdict in words: first the numbers, then what is none."""
    return (*map(check_text, verdict.checks), *_others(verdict))


def refusal_lines(verdict: Verdict) -> tuple[str, ...]:
    """Returns a line for every limit that is not kept."""
    return tuple(text.line for text in limit_texts(verdict) if not text.passed)


def _others(verdict: Verdict) -> Iterator[LimitText]:
    got = verdict.failure or "one that does"
    yield LimitText(SELF_TEST, "a bundle that passes its self-test now", got, not verdict.failure)
    if lead := verdict.requires:
        got = "it is" if lead.leads else "it is not"
        yield LimitText(REQUIRES, f"champion of `{lead.environment}`", got, lead.leads)
    for one in verdict.proofs:
        got = one.proof.words if one.proof else "none; `stillhouse prove` makes one"
        yield LimitText(PROVEN_ON, f"a proof on `{one.isa}` in which no answer differs", got, one.passed)
    if licences := verdict.licences:
        found = "; ".join(
            f"{what} under {', '.join(f'`{one}`' for one in some)}" for what, some in licences.refused.items()
        )
        expected = f"data and teacher under one of {', '.join(f'`{one}`' for one in licences.allowed)}"
        yield LimitText(LICENCES, expected, found or "they are", not licences.refused)
    if approval := verdict.approval:
        at = f" at {approval.at:%Y-%m-%d %H:%M:%S %Z}" if approval.at else ""
        got = "none" if approval.by is None else f"one by {approval.by}{at}"
        yield LimitText(APPROVAL, "an approval of this version by `stillhouse approve`", got, approval.by is not None)


def _quoted(items: Sequence[str]) -> str:
    return ", ".join(f"`{one}`" for one in items)


def _agrees(check: Check, limit: str, got: str) -> bool:
    """Returns whether the numbers as they are told say what the numbers do."""
    threshold, value = (float(text.replace(",", "")) for text in (limit, got))
    shown = check.model_copy(update={"threshold": threshold, "value": value})
    return shown.passed is check.passed and (value == threshold) is (check.value == check.threshold)


def shown(metric: Metric, value: float) -> str:
    """Returns a value of a metric: `98.66 %`, or `0.0211` where it is no part."""
    return percent(value) if metric.unit == "percent" else f"{value:.4g}"


def ends(metric: Metric, interval: Interval, sign: str = "") -> str:
    """Returns the ends of an interval: `98.15 to 99.18`, in per cent where it is a part."""
    if metric.unit == "percent":
        return f"{100 * interval.low:{sign}.2f} to {100 * interval.high:{sign}.2f}"
    return f"{interval.low:{sign}.4g} to {interval.high:{sign}.4g}"


def with_ends(metric: Metric, interval: Interval) -> str:
    """Returns `98.66 % (98.15 to 99.18)`."""
    return f"{shown(metric, interval.value)} ({ends(metric, interval)})"


def difference(metric: Metric, value: float) -> str:
    """Returns `+0.28 points` for a difference of 0.0028 between two parts, else the signed number."""
    return f"{100 * value:+.2f} points" if metric.unit == "percent" else f"{value:+.4g}"


def difference_with_ends(metric: Metric, interval: Interval) -> str:
    """Returns `+0.28 points (-1.11 to +1.67)`."""
    return f"{difference(metric, interval.value)} ({ends(metric, interval, '+')})"


def interval_in_digits(interval: Interval, digits: int = 4) -> str:
    """Returns `0.9749 (0.9582 to 0.9889)`, for a terminal."""
    return f"{interval.value:.4f} ({interval.low:.{digits}f} to {interval.high:.{digits}f})"


def gain_in_digits(interval: Interval) -> str:
    """Returns `+0.0028 (-0.0111 to +0.0167)`, for a terminal."""
    return f"{interval.value:+.4f} ({interval.low:+.4f} to {interval.high:+.4f})"


def percent(part: float, digits: int = 2) -> str:
    """Returns `98.66 %` for 0.98661."""
    return f"{100 * part:.{digits}f} %"


def apart(metric: Metric, ours: float, theirs: float) -> str:
    """Returns `1.92 points below` for two values, as far as two decimals show it; `level with` where they are equal."""
    scale, unit = (100, " points") if metric.unit == "percent" else (1, "")
    distance = round(scale * (ours - theirs), 2)
    return f"{abs(distance):.2f}{unit} {'above' if distance > 0 else 'below'}" if distance else "level with"


def milliseconds(value: float) -> str:
    """Returns three digits that count, never fewer decimals than make sense: `0.0213`, `1.54`, `143`."""
    if value <= 0:
        return "0"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def megabytes(value: int) -> str:
    """Returns `61.4 MB` of 10^6 bytes."""
    return f"{value / 1e6:,.1f} MB"


def times(larger: float, smaller: float) -> str:
    """Returns how often one goes into the other: `183`, `5.2`; `1.0` where they are about equal."""
    ratio = larger / smaller if smaller else math.inf
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"


def moment(time: datetime) -> str:
    """Returns a time to the minute, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def listed(items: Sequence[str]) -> str:
    """Returns `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def counted(count: int, noun: str) -> str:
    """Returns `1 sample`, `1,234 samples`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def beginning_in_words(role: str, found: Beginning) -> str:
    """Says which release a training began with, or why with none: `teacher from version 3, warm start 2 in a row`."""
    return f"{title_of(role)} {'' if found.version is None else 'from '}{found.words}"


def beginnings_in_words(found: Mapping[str, Beginning]) -> str:
    """Says the same of several trainings; empty where the recipe asks for no release to begin with."""
    return "; ".join(beginning_in_words(role, one) for role, one in found.items())


def deferral_in_words(found: Deferral) -> str:
    """Says which part of the test samples a file answers by itself, and how well."""
    promise = f"{percent(found.limit, 1)} {found.metric} at a risk of {percent(found.risk, 0)}"
    if found.threshold is None or found.kept is None:
        few = f"; {found.needed:,} validation samples at least, all of them right, would show it"
        return f"defers always: no confidence was shown to keep {promise}{few if found.threshold is None else ''}"
    ends = f"{100 * found.coverage.low:.1f} to {100 * found.coverage.high:.1f}"
    return (
        f"answers {percent(found.coverage.value, 1)} ({ends}) by itself, {percent(found.kept.value, 1)} {found.metric},"
        f" from confidence {found.threshold:.3f} on; to keep {promise}"
    )


def cell_in_words(value: str | int | float | None, heading: Heading) -> str:
    """Returns a cell of a table as its heading says that numbers are printed; empty where there is nothing."""
    if value is None or isinstance(value, str):
        return value or ""
    return {"percent": percent(value), "count": f"{value:,}", "number": f"{value:.4g}"}.get(heading.unit, str(value))


def verification_in_words(found: Verification) -> str:
    """Says how well a threshold tells pairs that are the same from those that are not."""
    if found.threshold is None or found.true_accepts is None or found.false_accepts is None:
        return (
            f"verifies nothing: {counted(found.impostors, 'pair')} of validation samples that are not the same cannot"
            f" show a false accept rate of {percent(found.far)}; {found.needed:,} would"
        )
    right, wrong = found.true_accepts, found.false_accepts
    return (
        f"accepts {percent(right.value, 1)} ({100 * right.low:.1f} to {100 * right.high:.1f}) of the pairs that are the"
        f" same, and {percent(wrong.value)} ({100 * wrong.low:.2f} to {100 * wrong.high:.2f}) of those that are not,"
        f" from cosine {found.threshold:.3f} on; threshold of a false accept rate of {percent(found.far)} on"
        " validation data"
    )


def operating_in_words(found: OperatingPoint, metrics: Sequence[Metric], score: Score) -> str:
    """Says what of an answer a device tells, and what that comes to on the split of a model's score."""
    metric = next(one for one in metrics if one.name == found.metric)
    bound = f"{metric.title} of at {'least' if metric.better == 'higher' else 'most'} {shown(metric, found.limit)}"
    told = listed([f"{one.title} {with_ends(one, score.metrics[one.name])}" for one in metrics if one.threshold])
    if found.threshold is None or found.value is None:
        does = found.words.format("the recipe's choice")
        return f"{does}, as no other keeps {bound} on validation data: {told}"
    return (
        f"{found.words.format(f'{found.threshold:.4g}')}: {told}; threshold of {bound}, which on validation"
        f" data is {shown(metric, found.value)}"
    )


def listening_in_words(found: Listening) -> str:
    """Says how a file does while it listens."""
    alarms, missed = found.false_alarms_per_hour, found.miss_rate
    late = "" if found.latency_s is None else f", {found.latency_s:.2f} s after the end of a word"
    return (
        f"misses {percent(missed.value, 1)} ({100 * missed.low:.1f} to {100 * missed.high:.1f}) of"
        f" {counted(found.words, 'word')} on a stream of {found.hours:.2g} hours, with {alarms.value:.1f} false alarms"
        f" per hour ({alarms.low:.1f} to {alarms.high:.1f}){late}, from threshold {found.threshold:g} on"
    )


def gain_in_words(gain: Interval) -> str:
    """Says whether the test set can tell a difference from zero."""
    if gain.low > 0:
        return "the test set tells it from zero"
    if gain.high < 0:
        return "it is a loss, and the test set tells it from zero"
    return "the test set cannot tell it from zero"


def odds_in_words(found: Discordant) -> str:
    """Says what McNemar's p is: how often chance alone would split the samples so unevenly."""
    uneven = found.only_challenger + found.only_champion
    if uneven == 0:
        return "Both are right and wrong on the same samples, so there is nothing to tell them apart by."
    often = f"in {_of_a_round_number(found.p_value)} such test sets"
    return (
        f"If both were equally good, chance alone would split {counted(uneven, 'sample')} at least as unevenly {often}"
        f" (McNemar's exact test, {_p(found.p_value)})."
    )


def _p(value: float) -> str:
    return f"p = {value:.2g}" if value >= 0.0001 else "p < 0.0001"


def _of_a_round_number(p: float) -> str:
    if p >= 0.995:
        return "nearly all"
    for whole in (100, 1_000, 10_000):
        if p * whole >= 1:
            return f"about {p * whole:.0f} of {whole:,}"
    return "fewer than 1 of 10,000"
