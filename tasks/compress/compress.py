"""Makes every candidate of the recipe, measures them side by side, and chooses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.compress.bench import Bench
from tasks.compress.choose import choose, judged
from tasks.compress.measure import measure_candidates, measure_student
from tasks.compress.passes import export_fp32, make
from tasks.progress import Advance
from tasks.records import Candidate


@dataclass(frozen=True)
class Compressed:
    """What became of each candidate: measured, or refused with a reason; and the name of the one that ships."""

    candidates: tuple[Candidate, ...]
    refused: Mapping[str, str]
    chosen: str


def compress(bench: Bench, advance: Advance) -> Compressed:
    """Writes `NAME.onnx` per candidate into the bench's directory, measures all, and chooses by the recipe.

    Raises:
        RefusedError: no candidate keeps every limit.
        StageError: the student cannot be exported.
    """
    params = bench.params
    bench.exported.unlink(missing_ok=True)  # one of an earlier run may be of another student
    export_fp32(bench, bench.exported)
    files, refused = _make_all(bench, advance)
    student = measure_student(bench)
    measured = measure_candidates(bench, files, student)
    candidates = [judged(candidate, params.limits, student.accuracy) for candidate in measured]
    advance(len(params.candidates) + 1, len(params.candidates) + 1, "measured")
    return Compressed(tuple(candidates), refused, choose(params, candidates, refused).name)


def _make_all(bench: Bench, advance: Advance) -> tuple[dict[str, Path], dict[str, str]]:
    """Returns the files of the candidates that could be made, and the reasons of those that could not."""
    files: dict[str, Path] = {}
    refused: dict[str, str] = {}
    names = bench.params.candidates
    for place, name in enumerate(names):
        advance(place, len(names) + 1, name)
        made = make(bench, name)
        if isinstance(made, Path):
            files[name] = made
        else:
            refused[name] = made
    return files, refused
