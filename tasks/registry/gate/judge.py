"""The gate in front of an environment: every limit of the recipe against what was measured, none left out."""

from collections.abc import Iterator, Mapping, Sequence

from params.promote import Gate
from tasks.contracts.metrics import Check, Interval, Metric, at_least, at_most, bounds, losses, split_name
from tasks.contracts.releases import Approval, Lead, LicenceCheck, Verdict
from tasks.contracts.scores import (
    STUDENT,
    TEACHER,
    Challenge,
    EvaluationRecord,
    Flips,
    FreshScore,
    Listening,
    Score,
)
from tasks.contracts.thresholds import Deferral
from tasks.contracts.words import NOT_WORSE
from tasks.kinds.limits import metrics_of
from tasks.registry.gate.gate_inputs import GateInputs

NOT_WORSE_THAN_BASELINE, BETTER_THAN_CONSTANT = "not_worse_than_baseline", "better_than_constant"
COVERAGE = "coverage"
NEGATIVE_FLIPS, WORST_SLICE = "negative_flips", "negative_flips_worst_slice"
FEWEST = 20
"""samples of a slice that is judged by its flips"""
QUALITY, BELOW_TEACHER, HOURS = "quality", "below_teacher", "minimum_hours"


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
    metrics, parity = metrics_of(evaluation.data.task), evaluation.score(STUDENT).parity
    checks = (
        *measured(gate, metrics, evaluation.shipped, evaluation.score(TEACHER), parity),
        *(_against(metrics[0], champion) if champion and gate.not_worse_than_champion else ()),
        *(_flips(gate, champion.flips, champion.version) if champion else ()),
        *(_against_baseline(metrics[0], evaluation) if gate.not_worse_than_baseline else ()),
        *(_against_constant(metrics[0], evaluation) if gate.better_than_constant else ()),
        *_covered(gate, evaluation.deferral),
        *(_heard(gate, evaluation.listening) if evaluation.listening else ()),
        *at_least(HOURS, gate.minimum_hours, inputs.hours, f"in {gate.requires}"),
    )
    asked = gate.approval == "manual"
    return Verdict(
        environment=environment,
        checks=checks,
        failure=inputs.failure or ("it does not run" if inputs.difference is None else ""),
        requires=Lead(environment=gate.requires, leads=inputs.in_required) if gate.requires else None,
        approval=Approval(by=inputs.approved_by, at=inputs.approved_at) if asked else None,
        challenge=champion,
        proofs=inputs.proofs,
        licences=None if gate.licences is None else licence_check(gate.licences, evaluation.licences),
    )


def licence_check(allowed: Sequence[str], found: Mapping[str, Sequence[str]]) -> LicenceCheck:
    """Returns which licences are not among those that are allowed, by what they begin with."""
    refused = {what: tuple(one for one in some if not _is_allowed(one, allowed)) for what, some in found.items()}
    return LicenceCheck(allowed=tuple(allowed), refused={what: some for what, some in refused.items() if some})


def _is_allowed(licence: str, allowed: Sequence[str]) -> bool:
    """Compares whole words: `CC BY` lets `CC BY 4.0 (of them)` through, and not `CC BY-NC 4.0`."""
    return any(licence == one or licence.startswith(f"{one} ") for one in allowed)


def judge_fresh(gate: Gate, metrics: Sequence[Metric], fresh: FreshScore, group_samples: int) -> tuple[Check, ...]:
    """Returns what a gate says about a champion on fresh samples, of the limits that labels alone can judge.

    Args:
        gate: the limits.
        metrics: of the kind of task.
        fresh: how good the champion is on them.
        group_samples: a group with fewer of them is not judged.
    """
    rare = {group for group, samples in fresh.support.items() if samples < group_samples}
    found = {name: value for name, value in fresh.metrics.items() if split_name(name)[1] not in rare}
    judged = [metric for metric in metrics if metric.limit in gate.quality and metric.names_in(found)]
    return tuple(bounds(QUALITY, {metric.limit: gate.quality[metric.limit] for metric in judged}, metrics, found))


def measured(gate: Gate, metrics: Sequence[Metric], shipped: Score, teacher: Score, parity: float) -> tuple[Check, ...]:
    """Returns what a gate says of a file's numbers alone, on whatever split they were measured.

    Args:
        gate: the limits.
        metrics: of the kind of task.
        shipped: of the file.
        teacher: of the teacher, on the same samples.
        parity: of the fp32 export with torch: an int8 file is meant to differ, the fp32 export is not.
    """
    return (
        *bounds(QUALITY, gate.quality, metrics, shipped.values),
        *losses(BELOW_TEACHER, gate.below_teacher, metrics, shipped.values, teacher.values),
        *at_least("agreement", gate.agreement, shipped.agreement.value),
        *at_most("p95_ms", gate.p95_ms, shipped.p95_ms),
        *at_most("bytes", gate.bytes, shipped.size),
        *at_most("parity", gate.parity, parity),
    )


def _against(metric: Metric, champion: Challenge) -> Iterator[Check]:
    """Compares on the same samples: what both get wrong says nothing about which is better.

    The number is the end of the interval that is best for the challenger.
    """
    where = f"{metric.title} against version {champion.version}, at the best end of the interval"
    yield from _not_worse(NOT_WORSE, metric, champion.gains[metric.name], where)


def _flips(gate: Gate, flips: Flips, version: int) -> Iterator[Check]:
    """Compares what got worse; a slice of few samples says nothing."""
    what = "samples that version {} has right" if flips.unit == "samples" else "loss of samples it does worse than {}"
    yield from at_most(NEGATIVE_FLIPS, gate.negative_flips, flips.newly_wrong.value, what.format(version))
    large = [piece for piece in flips.slices if piece.samples >= FEWEST]
    if large:
        worst = max(large, key=lambda piece: piece.newly_wrong.value)
        where = f"{worst.column} {worst.value}, {worst.samples} samples"
        yield from at_most(WORST_SLICE, gate.negative_flips_worst_slice, worst.newly_wrong.value, where)


def _covered(gate: Gate, deferral: Deferral | None) -> Iterator[Check]:
    """Bounds how much a file answers by itself; one that defers nothing answers all."""
    if deferral is None:
        yield from at_least(COVERAGE, gate.coverage, 1.0, "it defers nothing")
    else:
        yield from at_least(COVERAGE, gate.coverage, deferral.coverage.value)


def _heard(gate: Gate, listening: Listening) -> Iterator[Check]:
    """Bounds what a file misses and makes up while it listens."""
    where = f"{listening.words} words in {listening.hours:.2g} hours"
    missed, alarms = listening.miss_rate.value, listening.false_alarms_per_hour.value
    yield from at_most("miss_rate", gate.miss_rate, missed, where)
    yield from at_most("false_alarms_per_hour", gate.false_alarms_per_hour, alarms, where)


def _against_baseline(metric: Metric, evaluation: EvaluationRecord) -> Iterator[Check]:
    """Asks whether the teacher did harm: whether the student is worse than without it, beyond the interval.

    Nothing where no training sample has a label: then there is no such student.
    """
    where = f"{metric.title} of the student against the same one without its teacher, at the best end of the interval"
    if evaluation.gains:
        yield from _not_worse(NOT_WORSE_THAN_BASELINE, metric, evaluation.gains[metric.name], where)


def _against_constant(metric: Metric, evaluation: EvaluationRecord) -> Iterator[Check]:
    """Asks whether the shipped file has learned anything; nothing where that is not on record."""
    if evaluation.constant is not None:
        shipped, always = (found.metrics[metric.name] for found in (evaluation.shipped, evaluation.constant))
        where = f"{metric.title} at the worst end of its interval; the limit is that of {evaluation.constant.words}"
        check, end = (at_least, shipped.low) if metric.better == "higher" else (at_most, shipped.high)
        yield from check(BETTER_THAN_CONSTANT, always.value, end, where)


def _not_worse(limit: str, metric: Metric, gain: Interval, where: str) -> Iterator[Check]:
    """Yields the check of a paired difference: its best end must not be below that of an equal."""
    if metric.better == "higher":
        yield from at_least(limit, 0.0, gain.high, where)
    else:
        yield from at_most(limit, 0.0, gain.low, where)
