"""What an evaluation came to, in words and as a table."""

import os
from collections.abc import Iterator

from cli.output.console import say, say_table
from tasks.contracts.metrics import Metric
from tasks.contracts.records import DataRecord
from tasks.contracts.scores import BASELINE, STUDENT, TEACHER, Challenge, ConstantScore, EvaluationRecord, Score
from tasks.contracts.words import gain_in_digits, percent, title_of
from tasks.data.versions.versions_store import quarantine_file
from tasks.kinds.limits import deciding


def say_evaluation(evaluation: EvaluationRecord) -> None:
    """Prints teacher, student alone, student distilled, the constant answer and the shipped file, below each other.

    There is no student alone where no training sample has a label.
    """
    metric = deciding(evaluation.data.task)
    labels = {name: title_of(name) for name in (BASELINE, STUDENT)} | {TEACHER: evaluation.teacher.role}
    rows = [_cells(metric, labels[name], evaluation.score(name)) for name in evaluation.roles]
    if constant := evaluation.constant:
        rows.append([constant.words, interval_cell(metric, constant), "", "", ""])
    shipped = _cells(metric, f"shipped: {evaluation.chosen}", evaluation.shipped)
    title = f"{evaluation.name} on {evaluation.data.samples['test']:,} test samples"
    headings = ("", f"{metric.title} (interval)", "parameters", "bytes", "p50 ms")
    say_table(headings, [*rows, shipped], title, numbers=True, strong=len(rows))


def gain_lines(evaluation: EvaluationRecord) -> Iterator[str]:
    """Says what the teacher was worth to the student, whether the test set can tell, and what it could learn from."""
    metric = deciding(evaluation.data.task)
    if gain := evaluation.gains.get(metric.name):
        told = "" if gain.low > 0 or gain.high < 0 else ": the test set cannot tell it from zero"
        ends = f"({gain.low:+.4f} to {gain.high:+.4f})"
        yield f"The teacher is worth {gain.value:+.4f} {metric.title} to the student {ends}{told}."
    if some := evaluation.data.learned_from:
        yield f"To learn from there were {some}."


def challenge_line(challenge: Challenge) -> str:
    """Says how a release did against the champion, on the samples of its own test data."""
    name, gain = next(iter(challenge.gains.items()))
    line = f"against version {challenge.version}: {name} {gain_in_digits(gain)}"
    if not (found := challenge.discordant):
        return line
    only = f"newly right {found.only_challenger}, newly wrong {found.only_champion} samples"
    return f"{line}; {only} ({percent(challenge.flips.newly_wrong.value)}), McNemar p {found.p_value:.3g}"


def say_left_out(data: DataRecord) -> None:
    """Prints how much was left out of prepared data and why, and where bad samples are named; nothing if none."""
    if data.left_out:
        say(("left out", "yellow"), f"   {data.left_out} of the source")
    if data.in_quarantine:
        where = os.path.relpath(quarantine_file(data))
        say(("quarantine", "yellow"), f" {data.in_quarantine} of the source are left out: {where}")


def interval_cell(metric: Metric, score: Score | ConstantScore) -> str:
    """Returns a value of a model, or of the constant answer, and the ends of its interval, for a table."""
    interval = score.metrics[metric.name]
    return f"{interval.value:.4f} ({interval.low:.3f}-{interval.high:.3f})"


def _cells(metric: Metric, label: str, score: Score) -> list[str]:
    return [
        label,
        interval_cell(metric, score),
        f"{score.parameters:,}",
        f"{score.size:,}",
        f"{score.p50_ms:.3f}",
    ]
