"""Numbers as people read them."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from tasks.contracts.metrics import Interval
from tasks.contracts.scores import Challenge

TIMES = "\N{MULTIPLICATION SIGN}"


def percent(part: float, sign: str = "") -> str:
    """Returns `98.66 %` for 0.98661."""
    return f"{100 * part:{sign}.2f} %"


def ends(interval: Interval, sign: str = "") -> str:
    """Returns `98.15 to 99.18`, the ends of an interval in per cent."""
    return f"{100 * interval.low:{sign}.2f} to {100 * interval.high:{sign}.2f}"


def with_ends(interval: Interval) -> str:
    """Returns `98.66 % (98.15 to 99.18)`."""
    return f"{percent(interval.value)} ({ends(interval)})"


def points(difference: float) -> str:
    """Returns `+0.28 points` for a difference of 0.0028 between two parts."""
    return f"{100 * difference:+.2f} points"


def points_with_ends(interval: Interval) -> str:
    """Returns `+0.28 points (-1.11 to +1.67)`."""
    return f"{points(interval.value)} ({ends(interval, '+')})"


def apart(ours: float, theirs: float) -> str:
    """Returns `1.92 points below` for two parts, as far as two decimals show it."""
    difference = round(100 * (ours - theirs), 2)
    return f"{abs(difference):.2f} points {'above' if difference > 0 else 'below'}" if difference else "level with"


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


def gain_in_words(gain: Interval) -> str:
    """Says whether the test set can tell a difference from zero."""
    if gain.low > 0:
        return "the test set tells it from zero"
    if gain.high < 0:
        return "it is a loss, and the test set tells it from zero"
    return "the test set cannot tell it from zero"


def odds_in_words(challenge: Challenge) -> str:
    """Says what McNemar's p is: how often chance alone would split the samples so unevenly."""
    uneven = challenge.only_challenger + challenge.only_champion
    if uneven == 0:
        return "Both are right and wrong on the same samples, so there is nothing to tell them apart by."
    often = f"in {_of_a_round_number(challenge.p_value)} such test sets"
    return (
        f"If both were equally good, chance alone would split {counted(uneven, 'sample')} at least as unevenly {often}"
        f" (McNemar's exact test, {_p(challenge.p_value)})."
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
