"""The students of a sweep, handed to the task runner: all that are asked for at once, never one of them twice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prefect.futures import as_completed

from flows.sweep.ranking import broken, worth
from flows.sweep.search_space import Space, Values, Variant, label_of
from flows.sweep.student import Attempt, make_student, reason
from flows.sweep.task_runners import cores_for_each, deaf_children, give_up
from flows.sweep.worker_env import Workplace
from tasks.contracts.records import CandidatesRecord, DataRecord, ModelRecord, TeacherRecord
from tasks.core.errors import RecipeError
from tasks.core.progress import StageAdvanced, StageEnded, StageFailed, StageStarted, say
from tasks.core.record import canonical_digest

STUDENTS = "students"


@dataclass(frozen=True)
class Made:
    """A student that there is now."""

    variant: Variant
    student: ModelRecord
    candidates: CandidatesRecord


@dataclass(frozen=True)
class Failed:
    """A student that there is not, and why."""

    values: Values
    reason: str


@dataclass(frozen=True)
class Given:
    """What all students of a sweep have in common."""

    space: Space
    teachers: tuple[TeacherRecord, ...]
    data: DataRecord


def fan_out(given: Given) -> Iterator[Made | Failed]:
    """Yields every student that the search of a sweep asks for, one batch of it after the other."""
    search, prefer = given.space.search(), given.space.sweep.prefer
    while asked := search.ask():
        for values, outcome in zip(asked, _batch(given, asked), strict=True):
            if isinstance(outcome, Made):
                winner = outcome.candidates.winner
                search.tell(values, worth(winner, prefer), broken(outcome.variant.recipe, winner))
            else:
                search.tell(values, None, 0)
            yield outcome


def _batch(given: Given, asked: Sequence[Values]) -> list[Made | Failed]:
    """Returns what came of each of some students, in their order."""
    found: dict[int, Made | Failed] = {}
    variants: dict[int, Variant] = {}
    for place, values in enumerate(asked):
        try:
            variants[place] = given.space.variant(values)
        except RecipeError as error:
            found[place] = _failed(values, str(error))
    for wave in _waves(variants):
        found |= _wave(given, wave)
    return [found[place] for place in sorted(found)]


def _waves(variants: dict[int, Variant]) -> Iterator[dict[int, Variant]]:
    """Yields the variants so that none trains a network that another one trains at that moment.

    Those that differ in their compression only have the same student, which is there when their turn comes.
    """
    waves: list[dict[int, Variant]] = []
    seen: dict[str, int] = {}
    for place, variant in variants.items():
        student = variant.recipe.model_dump(mode="json", include={"student", "distill"})
        digest = canonical_digest(student)
        turn = seen[digest] = seen.get(digest, -1) + 1
        waves += [{}] if turn == len(waves) else []
        waves[turn][place] = variant
    yield from waves


def _wave(given: Given, variants: dict[int, Variant]) -> dict[int, Made | Failed]:
    say(StageStarted(STUDENTS))
    cores, workplace = cores_for_each(given.space.sweep), Workplace.here()
    with deaf_children():
        futures: dict[Any, int] = {
            make_student.submit(variant.recipe, given.teachers, given.data, cores, workplace): place
            for place, variant in variants.items()
        }
    found: dict[int, Made | Failed] = {}
    try:
        for future in as_completed(list(futures)):
            place = futures[future]
            found[place] = _outcome(variants[place], future)
            say(StageStarted(STUDENTS))
            say(StageAdvanced(STUDENTS, len(found), len(variants), ""))
    except BaseException:  # a person, or a signal
        give_up(given.space.sweep)
        raise
    return found


def _outcome(variant: Variant, future: Any) -> Made | Failed:
    """Waits for a student, and says what came of it."""
    try:
        attempt: Attempt = future.result()
    except Exception as error:
        attempt = Attempt(failure=f"its worker ended: {reason(error)}")
    if attempt.student is None or attempt.candidates is None:
        return _failed(variant.values, attempt.failure)
    winner = attempt.candidates.winner
    numbers = f"{winner.name}, validation accuracy {winner.accuracy:.4f}, {winner.onnx.size:,} bytes"
    say(StageEnded("student", f"{variant.label}: {numbers}", attempt.seconds, attempt.reused, attempt.student.created))
    return Made(variant, attempt.student, attempt.candidates)


def _failed(values: Values, why: str) -> Failed:
    failed = Failed(values, why)
    say(StageFailed("student", f"{label_of(values)}: {why}"))
    return failed
