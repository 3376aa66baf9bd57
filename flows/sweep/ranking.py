"""Which student of a sweep is best: one that the gates would let in, and of those the one that is preferred."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flows.sweep.search_space import Variant
from params.compress import FP32
from params.pipeline import Recipe
from params.promote import ENVIRONMENTS, Gate
from tasks.contracts.records import Candidate, CandidatesRecord
from tasks.contracts.scores import ComparisonRecord, Score
from tasks.registry.gate.judge import measured

PREFERENCES: Mapping[str, Callable[[Score], tuple[float, ...]]] = {
    "accuracy": lambda score: (-score.accuracy.value, score.p50_ms, score.size),
    "latency": lambda score: (score.p50_ms, -score.accuracy.value, score.size),
    "bytes": lambda score: (score.size, -score.accuracy.value, score.p50_ms),
}
"""what is least for the best"""


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
    return tuple(sorted(found, key=lambda one: (len(one.refusals), PREFERENCES[prefer](one.score))))


def worth(candidate: Candidate, prefer: str) -> float:
    """Returns how good a file is, for a search that goes on before students are compared; more is better."""
    return {"accuracy": candidate.accuracy, "latency": -candidate.p50_ms, "bytes": -float(candidate.onnx.size)}[prefer]


def broken(recipe: Recipe, candidate: Candidate) -> int:
    """Returns how many limits of the gates a file breaks, as far as its compression tells."""
    return sum(
        wrong
        for gate in _gates(recipe).values()
        for wrong in (
            gate.accuracy is not None and candidate.accuracy < gate.accuracy,
            gate.bytes is not None and candidate.onnx.size > gate.bytes,
            gate.p95_ms is not None and candidate.p95_ms > gate.p95_ms,
        )
    )


def _refusals(recipe: Recipe, candidates: CandidatesRecord, score: Score, teacher: Score) -> list[str]:
    """Returns every limit that is broken, once, though several gates may set the same."""
    parity = _parity(recipe, candidates)
    said = {
        f"{check.limit}: expected {check.expected}, got {check.got}": None
        for gate in _gates(recipe).values()
        for check in measured(gate, score, teacher, parity)
        if not check.passed
    }
    return [*said]


def _parity(recipe: Recipe, candidates: CandidatesRecord) -> float:
    """Returns how far the fp32 export is from torch; 0 where it could not be measured."""
    names = {candidate.called for candidate in recipe.compress.candidates if candidate.passes == FP32.passes}
    return next((one.parity for one in candidates.candidates if one.name in names), 0.0)


def _gates(recipe: Recipe) -> dict[str, Gate]:
    return {environment: getattr(recipe.promote, environment) for environment in ENVIRONMENTS}
