"""What gates said and why, and how the release did against champions."""

from dataclasses import dataclass

from tasks.contracts.releases import Verdict
from tasks.contracts.scores import Challenge
from tasks.evaluate.report.report import Report
from tasks.evaluate.report.words import counted, gain_in_words, moment, odds_in_words, points_with_ends, with_ends


@dataclass(frozen=True)
class Ruling:
    """A verdict under its heading."""

    heading: str
    when: str
    verdict: Verdict


@dataclass(frozen=True)
class Duel:
    """A challenge in sentences."""

    heading: str
    sentences: tuple[str, ...]


def rulings(report: Report) -> tuple[Ruling, ...]:
    """Returns every verdict, oldest first, with its time where that is on record."""
    times = [moment(time) for time in report.decided] or [""] * len(report.verdicts)
    return tuple(
        Ruling(f"{verdict.environment}: {'passed' if verdict.passed else 'refused'}", when, verdict)
        for verdict, when in zip(report.verdicts, times, strict=True)
    )


def duels(report: Report) -> tuple[Duel, ...]:
    """Returns how the release did against each champion, in plain words."""
    return tuple(Duel(f"Version {duel.version} in {duel.environment}", _told(duel)) for duel in report.duels)


def _told(duel: Challenge) -> tuple[str, ...]:
    return (
        f"On the same samples this release has {with_ends(duel.challenger.accuracy)}, the champion"
        f" {with_ends(duel.champion.accuracy)}.",
        f"The difference is {points_with_ends(duel.gain)}: {gain_in_words(duel.gain)}.",
        f"Only this release is right on {counted(duel.only_challenger, 'sample')}, only the champion on"
        f" {duel.only_champion:,}.",
        odds_in_words(duel),
    )
