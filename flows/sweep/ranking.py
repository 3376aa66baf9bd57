"""Which student of a sweep is best: one that the gates would let in, and of those the one that is preferred."""

from collections.abc import Sequence
from dataclasses import dataclass

from flows.sweep.search_space import Variant
from params.compress import FP32
from params.pipeline import Recipe
from tasks.contracts.metrics import Metric, at_most, bounds
from tasks.contracts.records import Candidate, CandidatesRecord
from tasks.contracts.scores import ComparisonRecord, Score
from tasks.contracts.words import check_text
from tasks.kinds.limits import deciding, metrics_of
from tasks.registry.gate.judge import measured


@dataclass(frozen=True)
class RankedTrial:
    """A student with its numbers on validation data; `refusals` are the limits of gates that it breaks, in words."""

    variant: Variant
    score: Score
    refusals: tuple[str, ...]


def ranked(
    variants: Sequence[Variant], made: Sequence[CandidatesRecord], compared: ComparisonRecord, prefer: str
) -> tuple[RankedTrial, ...]:
    """Returns the students from the best to the worst."""
    found = [
        RankedTrial(variant, score, tuple(_refusals(variant.recipe, candidates, score, compared.teacher)))
        for variant, candidates, score in zip(variants, made, compared.students, strict=True)
    ]
    metric = deciding(variants[0].recipe.data.task)
    return tuple(sorted(found, key=lambda one: (len(one.refusals), _costs(one.score, metric, prefer))))


def _costs(score: Score, metric: Metric, prefer: str) -> tuple[float, ...]:
    """Returns what is least for the best: what is preferred, then the others."""
    costs = {"quality": -metric.sign * score.metrics[metric.name].value, "latency": score.p50_ms, "bytes": score.size}
    return (costs.pop(prefer), *costs.values())


def worth(recipe: Recipe, candidate: Candidate, prefer: str) -> float:
    """Returns how good a file is, for a search that goes on before students are compared; more is better."""
    metric = deciding(recipe.data.task)
    quality = metric.sign * candidate.metrics[metric.name]
    return {"quality": quality, "latency": -candidate.p50_ms, "bytes": -float(candidate.onnx.size)}[prefer]


def broken(recipe: Recipe, candidate: Candidate) -> int:
    """Returns how many limits of the gates a file breaks, as far as its compression tells."""
    metrics = metrics_of(recipe.data.task)
    checks = [
        check
        for gate in recipe.promote.gates.values()
        for check in (
            *bounds("quality", gate.quality, metrics, candidate.metrics),
            *at_most("bytes", gate.bytes, candidate.onnx.size),
            *at_most("p95_ms", gate.p95_ms, candidate.p95_ms),
        )
    ]
    return sum(not check.passed for check in checks)


def _refusals(recipe: Recipe, candidates: CandidatesRecord, score: Score, teacher: Score) -> list[str]:
    """Returns every limit that is broken, once, though several gates may set the same."""
    metrics, parity = metrics_of(recipe.data.task), _parity(recipe, candidates)
    checks = [
        check for gate in recipe.promote.gates.values() for check in measured(gate, metrics, score, teacher, parity)
    ]
    return [*dict.fromkeys(check_text(check).line for check in checks if not check.passed)]


def _parity(recipe: Recipe, candidates: CandidatesRecord) -> float:
    """Returns how far the fp32 export is from torch; 0 where it could not be measured."""
    names = {candidate.called for candidate in recipe.compress.candidates if candidate.passes == FP32.passes}
    return next((one.parity for one in candidates.candidates if one.name in names), 0.0)
