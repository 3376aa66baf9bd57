"""Makes every candidate of the recipe, measures them side by side, and chooses."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.compress.checks import check
from tasks.compress.choose import choose, judged, on_the_front
from tasks.compress.context import CompressionContext, NotPossibleError
from tasks.compress.measure import Made, measure_candidates, measure_student
from tasks.compress.passes import CandidateBuilder
from tasks.contracts.records import Candidate
from tasks.core.progress import Advance


@dataclass(frozen=True)
class Compressed:
    """What became of each candidate: measured, or refused with a reason; and the name of the one that ships."""

    made: Mapping[str, Made]
    candidates: tuple[Candidate, ...]
    refused: Mapping[str, str]
    chosen: str


def compress(context: CompressionContext, advance: Advance) -> Compressed:
    """Writes `NAME.onnx` per candidate into `context.directory`, measures all, and chooses by the recipe.

    Raises:
        RefusedError: no candidate keeps every limit.
        StageError: the student cannot be exported.
    """
    params = context.params
    made, refused = _make_all(context, advance)
    student = measure_student(context)
    measured = measure_candidates(context, made)
    candidates = on_the_front([judged(candidate, params.limits, student) for candidate in measured])
    advance(len(params.candidates) + 1, len(params.candidates) + 1, "measured")
    chosen = choose(params, candidates, refused)
    return Compressed({one.name: one for one in made}, tuple(candidates), refused, chosen.name)


def _make_all(context: CompressionContext, advance: Advance) -> tuple[list[Made], dict[str, str]]:
    """Returns what was made of each candidate, and the reasons where nothing could be or it stood a check badly."""
    builder = CandidateBuilder(context)
    made: list[Made] = []
    refused: dict[str, str] = {}
    candidates = context.params.candidates
    for place, candidate in enumerate(candidates):
        advance(place, len(candidates) + 1, candidate.called)
        try:
            one = builder.build(candidate)
            check(context, one)
            made.append(one)
        except NotPossibleError as reason:
            refused[candidate.called] = str(reason)
    return made, refused
