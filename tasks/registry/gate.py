"""The gate in front of an environment: every limit of the recipe against what was measured, none left out."""

from collections.abc import Iterator

from params.promote import Gate
from tasks.releases import Check, Verdict
from tasks.scores import Challenge, EvaluationRecord


def judge(
    gate: Gate, environment: str, evaluation: EvaluationRecord, champion: Challenge | None, in_required: bool
) -> Verdict:
    """Returns what a gate says about the file that would ship.

    Args:
        gate: the limits.
        environment: the environment behind the gate.
        evaluation: of the release that wants in, on the test split.
        champion: how it does against the release that is in now, on the same test split; None if there is none.
        in_required: whether this release is champion of the environment that `gate.requires` names.
    """
    checks = (*_absolute(gate, evaluation), *_relative(gate, evaluation, champion, in_required))
    passed = all(check.passed for check in checks)
    return Verdict(environment=environment, passed=passed, checks=checks, challenge=champion)


def _absolute(gate: Gate, evaluation: EvaluationRecord) -> Iterator[Check]:
    shipped, student = evaluation.shipped, evaluation.score("student")
    worst = min(shipped.classes, key=lambda score: score.recall)
    yield from _at_least("accuracy", gate.accuracy, shipped.accuracy.value)
    yield from _at_least("class_recall", gate.class_recall, worst.recall, f" (class {worst.label})")
    yield from _at_least("agreement", gate.agreement, shipped.agreement.value)
    yield from _at_most("calibration_error", gate.calibration_error, shipped.calibration_error)
    yield from _at_most("p95_ms", gate.p95_ms, shipped.p95_ms)
    yield from _at_most("bytes", gate.bytes, shipped.size)
    # An int8 file is meant to differ from torch; the fp32 export is not.
    yield from _at_most("parity", gate.parity, student.parity)


def _relative(
    gate: Gate, evaluation: EvaluationRecord, champion: Challenge | None, in_required: bool
) -> Iterator[Check]:
    drop = evaluation.score("teacher").accuracy.value - evaluation.shipped.accuracy.value
    yield from _at_most("accuracy_drop", gate.accuracy_drop, drop)
    if gate.requires:
        got = "it is" if in_required else "it is not"
        yield Check(limit="requires", expected=f"champion of `{gate.requires}`", got=got, passed=in_required)
    if gate.not_worse_than_champion and champion is not None:
        yield _against(champion)


def _against(champion: Challenge) -> Check:
    """Compares on the same samples: what both get wrong says nothing about which is better."""
    gain, best = champion.gain, champion.champion.accuracy.value
    return Check(
        limit="not_worse_than_champion",
        expected=f"not less accurate than version {champion.version} ({best:.4f}) beyond the interval",
        got=f"{gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}), McNemar p {champion.p_value:.3g}",
        passed=gain.high >= 0,
    )


def _at_least(limit: str, floor: float | None, got: float, where: str = "") -> Iterator[Check]:
    if floor is not None:
        yield Check(limit=limit, expected=f"at least {floor:g}", got=f"{_number(got)}{where}", passed=got >= floor)


def _at_most(limit: str, ceiling: float | None, got: float) -> Iterator[Check]:
    if ceiling is not None:
        yield Check(limit=limit, expected=f"at most {_number(ceiling)}", got=_number(got), passed=got <= ceiling)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
