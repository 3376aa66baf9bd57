"""What gates said and why, and how the release did against champions."""

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.contracts.metrics import Metric
from tasks.contracts.scores import Challenge, FlippedSample, Flips, FlipUnit
from tasks.contracts.words import (
    LimitText,
    counted,
    difference_with_ends,
    gain_in_words,
    limit_texts,
    listed,
    moment,
    odds_in_words,
    shown,
    with_ends,
)
from tasks.evaluate.report.report import Report

WORST = 3
"""slices that are named"""
FLIP_METRICS = {
    "samples": Metric("flips", "Of all samples"),
    "loss": Metric("flips", "Change of the loss, over the samples where it is worse or better", unit="number"),
}

ORDER: dict[FlipUnit, str] = {"samples": "", "loss": ", most first"}


@dataclass(frozen=True)
class VerdictText:
    """A verdict under its heading."""

    heading: str
    when: str
    passed: bool
    limits: tuple[LimitText, ...]


@dataclass(frozen=True)
class ChallengeText:
    """A challenge in sentences, and the names of its pictures."""

    heading: str
    sentences: tuple[str, ...]
    figures: tuple[str, ...]


def verdict_texts(report: Report) -> tuple[VerdictText, ...]:
    """Returns every verdict, oldest first, with its time where that is on record."""
    times = [moment(time) for time in report.decided] or [""] * len(report.verdicts)
    return tuple(
        VerdictText(
            f"{verdict.environment}: {'passed' if verdict.passed else 'refused'}",
            when,
            verdict.passed,
            limit_texts(verdict),
        )
        for verdict, when in zip(report.verdicts, times, strict=True)
    )


def challenge_texts(report: Report) -> tuple[ChallengeText, ...]:
    """Returns how the release did against each champion, in plain words."""
    return tuple(
        ChallengeText(
            f"Version {challenge.version} in {challenge.environment}",
            tuple(_told(report.metric, challenge)),
            tuple(figure.name for figure in challenge.figures if figure.name in report.figures),
        )
        for challenge in report.all_challenges
    )


def _told(metric: Metric, challenge: Challenge) -> Iterator[str]:
    ours, theirs = (score.metrics[metric.name] for score in (challenge.challenger, challenge.champion))
    gain = challenge.gains[metric.name]
    yield f"On the same samples this release has {with_ends(metric, ours)}, the champion {with_ends(metric, theirs)}."
    yield f"The difference is {difference_with_ends(metric, gain)}: {gain_in_words(gain.times(metric.sign))}."
    if found := challenge.discordant:
        samples = counted(found.only_challenger, "sample")
        yield f"Only this release is right on {samples}, only the champion on {found.only_champion:,}."
        yield odds_in_words(found)
    yield from _flips_told(challenge.flips, with_answers=not challenge.figures)


def _flips_told(flips: Flips, with_answers: bool) -> Iterator[str]:
    metric = FLIP_METRICS[flips.unit]
    worse, better = (with_ends(metric, side) for side in (flips.newly_wrong, flips.newly_right))
    yield f"{metric.title}: {worse} newly wrong, {better} newly right."
    worst_first = sorted(flips.slices, key=lambda piece: -piece.newly_wrong.value)
    bad = [piece for piece in worst_first if piece.newly_wrong.value > 0]
    if bad:
        named = [f"{piece.column} {piece.value} ({shown(metric, piece.newly_wrong.value)})" for piece in bad[:WORST]]
        yield f"Most of it in {listed(named)}."
    for title, samples in (("Newly wrong", flips.broken), ("Newly right", flips.repaired)):
        if samples:
            told = [_sample_told(sample) if with_answers else sample.name for sample in samples]
            yield f"{title}{ORDER[flips.unit]}: {', '.join(told)}."


def _sample_told(sample: FlippedSample) -> str:
    return f"{sample.name} ({sample.before} → {sample.now})"
