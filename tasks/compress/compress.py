"""Makes every candidate of the recipe, measures them side by side, and chooses."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.compress.checks import check
from tasks.compress.choose import choose, judged, on_the_front, reason
from tasks.compress.context import CompressionContext, NotPossibleError
from tasks.compress.measure import BuiltCandidate, measure_candidates, measure_student
from tasks.compress.passes import CandidateBuilder
from tasks.contracts.records import Candidate
from tasks.core.progress import Advance


@dataclass(frozen=True)
class Compressed:
    """What became of each candidate: measured, or refused with a reason; the name of the one that ships, and why."""

    built: Mapping[str, BuiltCandidate]
    candidates: tuple[Candidate, ...]
    refused: Mapping[str, str]
    chosen: str
    reason: str


def compress(context: CompressionContext, advance: Advance) -> Compressed:
    """Writes `NAME.onnx` per candidate into `context.directory`, measures all, and chooses by the recipe.

    Raises:
        RefusedError: no candidate keeps every limit.
        StageError: the student cannot be exported.
    """
    params = context.params
    built, refused = _build_all(context, advance)
    student = measure_student(context)
    measured = measure_candidates(context, built)
    metrics = context.measuring.part.metrics
    judged_ones = [judged(candidate, params.limits, context.below_student, metrics, student) for candidate in measured]
    candidates = on_the_front(judged_ones, metrics[0])
    advance(len(params.candidates) + 1, len(params.candidates) + 1, "measured")
    chosen = choose(params, metrics[0], candidates, refused)
    why = reason(params, chosen, candidates, refused)
    return Compressed({one.name: one for one in built}, tuple(candidates), refused, chosen.name, why)


def _build_all(context: CompressionContext, advance: Advance) -> tuple[list[BuiltCandidate], dict[str, str]]:
    """Returns what was built of each candidate, and and why the others could not be built or failed a check."""
    builder = CandidateBuilder(context)
    built: list[BuiltCandidate] = []
    refused: dict[str, str] = {}
    candidates = context.params.candidates
    for place, candidate in enumerate(candidates):
        advance(place, len(candidates) + 1, candidate.called)
        try:
            one = builder.build(candidate)
            check(context, one)
            built.append(one)
        except NotPossibleError as reason:
            refused[candidate.called] = str(reason)
    return built, refused
