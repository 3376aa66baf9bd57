"""The students of a sweep, handed to the task runner: all that are asked for at once, never one of them twice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prefect.futures import as_completed

from flows.sweep.ranking import broken, worth
from flows.sweep.search import Values, label_of
from flows.sweep.search_space import SearchSpace, Variant
from flows.sweep.student import TrialResult, make_student, reason
from flows.sweep.task_runners import children_ignore_ctrl_c, cores_for_each, kill_workers
from flows.sweep.worker_env import WorkerEnv
from tasks.contracts.records import CandidatesRecord, DataRecord, ModelRecord, TeacherRecord
from tasks.core.errors import RecipeError
from tasks.core.progress import StageAdvanced, StageEnded, StageFailed, StageStarted, say
from tasks.core.record import canonical_digest
from tasks.kinds.limits import deciding

STUDENTS = "students"


@dataclass(frozen=True)
class FinishedTrial:
    """A student that there is now."""

    variant: Variant
    student: ModelRecord
    candidates: CandidatesRecord


@dataclass(frozen=True)
class FailedTrial:
    """A student that there is not, and why."""

    values: Values
    reason: str


@dataclass(frozen=True)
class SharedInputs:
    """What all students of a sweep have in common."""

    space: SearchSpace
    teachers: tuple[TeacherRecord, ...]
    data: DataRecord


def run_trials(shared: SharedInputs) -> Iterator[FinishedTrial | FailedTrial]:
    """Yields every student that the search of a sweep asks for, one batch of it after the other."""
    search, prefer = shared.space.search(), shared.space.sweep.prefer
    while asked := search.ask():
        for values, outcome in zip(asked, _batch(shared, asked), strict=True):
            if isinstance(outcome, FinishedTrial):
                winner = outcome.candidates.winner
                search.tell(
                    values, worth(outcome.variant.recipe, winner, prefer), broken(outcome.variant.recipe, winner)
                )
            else:
                search.tell(values, None, 0)
            yield outcome


def _batch(shared: SharedInputs, asked: Sequence[Values]) -> list[FinishedTrial | FailedTrial]:
    """Returns what came of each of some students, in their order."""
    found: dict[int, FinishedTrial | FailedTrial] = {}
    variants: dict[int, Variant] = {}
    for place, values in enumerate(asked):
        try:
            variants[place] = shared.space.variant(values)
        except RecipeError as error:
            found[place] = _failed(values, str(error))
    for wave in _waves(variants):
        found |= _wave(shared, wave)
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


def _wave(shared: SharedInputs, variants: dict[int, Variant]) -> dict[int, FinishedTrial | FailedTrial]:
    say(StageStarted(STUDENTS))
    cores, environment = cores_for_each(shared.space.sweep), WorkerEnv.here()
    with children_ignore_ctrl_c():
        futures: dict[Any, int] = {
            make_student.submit(variant.recipe, shared.teachers, shared.data, cores, environment): place
            for place, variant in variants.items()
        }
    found: dict[int, FinishedTrial | FailedTrial] = {}
    try:
        for future in as_completed(list(futures)):
            place = futures[future]
            found[place] = _outcome(variants[place], future)
            say(StageStarted(STUDENTS))
            say(StageAdvanced(STUDENTS, len(found), len(variants), ""))
    except BaseException:  # a person, or a signal
        kill_workers(shared.space.sweep)
        raise
    return found


def _outcome(variant: Variant, future: Any) -> FinishedTrial | FailedTrial:
    """Waits for a student, and says what came of it."""
    try:
        attempt: TrialResult = future.result()
    except Exception as error:
        attempt = TrialResult(failure=f"its worker ended: {reason(error)}")
    if attempt.student is None or attempt.candidates is None:
        return _failed(variant.values, attempt.failure)
    winner = attempt.candidates.winner
    metric = deciding(variant.recipe.data.task)
    numbers = f"{winner.name}, validation {metric.title} {winner.metrics[metric.name]:.4f}, {winner.onnx.size:,} bytes"
    say(StageEnded("student", f"{variant.label}: {numbers}", attempt.seconds, attempt.reused, attempt.student.created))
    return FinishedTrial(variant, attempt.student, attempt.candidates)


def _failed(values: Values, why: str) -> FailedTrial:
    failed = FailedTrial(values, why)
    say(StageFailed("student", f"{label_of(values)}: {why}"))
    return failed
