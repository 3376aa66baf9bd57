"""What gates said and why, and how the release did against champions."""

from dataclasses import dataclass

from tasks.contracts.releases import Verdict
from tasks.contracts.scores import Challenge
from tasks.evaluate.report.report import Report
from tasks.evaluate.report.words import counted, gain_in_words, moment, odds_in_words, points_with_ends, with_ends


@dataclass(frozen=True)
class VerdictText:
    """A verdict under its heading."""

    heading: str
    when: str
    verdict: Verdict


@dataclass(frozen=True)
class ChallengeText:
    """A challenge in sentences."""

    heading: str
    sentences: tuple[str, ...]


def verdict_texts(report: Report) -> tuple[VerdictText, ...]:
    """Returns every verdict, oldest first, with its time where that is on record."""
    times = [moment(time) for time in report.decided] or [""] * len(report.verdicts)
    return tuple(
        VerdictText(f"{verdict.environment}: {'passed' if verdict.passed else 'refused'}", when, verdict)
        for verdict, when in zip(report.verdicts, times, strict=True)
    )


def challenge_texts(report: Report) -> tuple[ChallengeText, ...]:
    """Returns how the release did against each champion, in plain words."""
    return tuple(
        ChallengeText(f"Version {challenge.version} in {challenge.environment}", _told(challenge))
        for challenge in report.all_challenges
    )


def _told(challenge: Challenge) -> tuple[str, ...]:
    return (
        f"On the same samples this release has {with_ends(challenge.challenger.accuracy)}, the champion"
        f" {with_ends(challenge.champion.accuracy)}.",
        f"The difference is {points_with_ends(challenge.gain)}: {gain_in_words(challenge.gain)}.",
        f"Only this release is right on {counted(challenge.only_challenger, 'sample')}, only the champion on"
        f" {challenge.only_champion:,}.",
        odds_in_words(challenge),
    )
