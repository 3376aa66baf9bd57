"""The gate in front of an environment: every limit of the recipe against what was measured, none left out."""

from collections.abc import Iterator

from params.promote import Gate
from tasks.contracts.releases import APPROVAL, Check, Verdict
from tasks.contracts.scores import Challenge, EvaluationRecord, FreshScore, Score
from tasks.registry.gate.gate_inputs import GateInputs


def judge(
    gate: Gate, environment: str, evaluation: EvaluationRecord, champion: Challenge | None, inputs: GateInputs
) -> Verdict:
    """Returns what a gate says about the file that would ship.

    Args:
        gate: the limits.
        environment: the environment behind the gate.
        evaluation: of the release that wants in, on the test split.
        champion: how it does against the release that is in now, on the same test split; None if there is none.
        inputs: what the ledger and the runtime say of it now.
    """
    absolute = _absolute(gate, evaluation.shipped, evaluation.score("student").parity)
    relative = (*_below_teacher(gate, evaluation.shipped, evaluation.score("teacher")), *_challenged(gate, champion))
    checks = (*absolute, _loads(inputs), *relative, *_procedural(gate, inputs))
    passed = all(check.passed for check in checks)
    return Verdict(environment=environment, passed=passed, checks=checks, challenge=champion)


def judge_fresh(gate: Gate, fresh: FreshScore, class_samples: int) -> tuple[Check, ...]:
    """Returns what a gate says about a champion on fresh samples, of the limits that labels alone can judge.

    Args:
        gate: the limits.
        fresh: how good the champion is on them.
        class_samples: a class with fewer of them is not judged.
    """
    known = [score for score in fresh.classes if score.samples >= class_samples]
    worst = min(known, key=lambda score: score.recall, default=None)
    recall = _at_least("class_recall", gate.class_recall, worst.recall, f" (class {worst.label})") if worst else ()
    return (
        *_at_least("accuracy", gate.accuracy, fresh.accuracy),
        *recall,
        *_at_most("calibration_error", gate.calibration_error, fresh.calibration_error),
    )


def measured(gate: Gate, shipped: Score, teacher: Score, parity: float) -> tuple[Check, ...]:
    """Returns what a gate says of a file's numbers alone, on whatever split they were measured.

    Args:
        gate: the limits.
        shipped: of the file.
        teacher: of the teacher, on the same samples.
        parity: of the fp32 export with torch.
    """
    return (*_absolute(gate, shipped, parity), *_below_teacher(gate, shipped, teacher))


def _absolute(gate: Gate, shipped: Score, parity: float) -> Iterator[Check]:
    worst = min(shipped.classes, key=lambda score: score.recall)
    yield from _at_least("accuracy", gate.accuracy, shipped.accuracy.value)
    yield from _at_least("class_recall", gate.class_recall, worst.recall, f" (class {worst.label})")
    yield from _at_least("agreement", gate.agreement, shipped.agreement.value)
    yield from _at_most("calibration_error", gate.calibration_error, shipped.calibration_error)
    yield from _at_most("p95_ms", gate.p95_ms, shipped.p95_ms)
    yield from _at_most("bytes", gate.bytes, shipped.size)
    # An int8 file is meant to differ from torch; the fp32 export is not.
    yield from _at_most("parity", gate.parity, parity)


def _loads(inputs: GateInputs) -> Check:
    """Asks no field of the gate: what does not run ships nowhere."""
    difference = inputs.difference
    got = inputs.failure if difference is None else f"golden logits that differ by {difference:.3g}"
    expected = "a bundle that passes its self-test now"
    return Check(limit="loads_in_runtime", expected=expected, got=got, passed=difference is not None)


def _below_teacher(gate: Gate, shipped: Score, teacher: Score) -> Iterator[Check]:
    yield from _at_most("accuracy_drop", gate.accuracy_drop, teacher.accuracy.value - shipped.accuracy.value)


def _challenged(gate: Gate, champion: Challenge | None) -> Iterator[Check]:
    if gate.not_worse_than_champion and champion is not None:
        yield _against(champion)


def _procedural(gate: Gate, inputs: GateInputs) -> Iterator[Check]:
    """Yields what is no property of the file: where it has been, for how long, and who let it go on."""
    if gate.requires:
        got = "it is" if inputs.in_required else "it is not"
        yield Check(limit="requires", expected=f"champion of `{gate.requires}`", got=got, passed=inputs.in_required)
    if gate.minimum_hours is not None:
        limit, least, hours = f"hours_in_{gate.requires}", gate.minimum_hours, inputs.hours
        got = f"{int(hours * 100) / 100:.2f}"  # not rounded up to a limit that it does not keep
        yield Check(limit=limit, expected=f"at least {least:g}", got=got, passed=hours >= least)
    if gate.approval == "manual":
        by, at = inputs.approved_by, inputs.approved_at
        got = "none" if by is None else f"one by {by}" + (f" at {at:%Y-%m-%d %H:%M:%S %Z}" if at else "")
        expected = "an approval of this version by `stillhouse approve`"
        yield Check(limit=APPROVAL, expected=expected, got=got, passed=by is not None)


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
