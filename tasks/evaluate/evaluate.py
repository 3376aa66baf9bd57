"""Judges all models on the same test split, each as the file it is, in the runtime that ships."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from params.compress import Target
from params.evaluate import Evaluate
from tasks.errors import StageError, mismatch
from tasks.evaluate.entrant import BASELINE, STUDENT, TEACHER, Entrant
from tasks.evaluate.intervals import paired_difference
from tasks.evaluate.notes import notes_on
from tasks.evaluate.score import Exam, score
from tasks.kinds.kind import TaskKind
from tasks.progress import Advance, silent
from tasks.runtime.latency import measure
from tasks.runtime.session import Session
from tasks.scores import Interval, Score
from tasks.training.arrays import SplitArrays


@dataclass(frozen=True)
class Evaluation:
    """A score per model in the order they were given, the student's gain over its baseline, and warnings."""

    scores: tuple[Score, ...]
    gain: Interval
    notes: tuple[str, ...]


def evaluate(
    params: Evaluate,
    models: Mapping[str, Entrant],
    kind: TaskKind,
    classes: tuple[str, ...],
    test: SplitArrays,
    target: Target,
    seed: int,
    advance: Advance,
) -> Evaluation:
    """Returns the scores of all models on the test split.

    `models` must hold `teacher`, `baseline` and `student`; all others are candidates under their own names. Agreement
    is with the teacher, the gain is that of `student` over `baseline`.

    Raises:
        IntegrityError: a file has other bytes than on record.
        StageError: one of the three is not there.
    """
    _require_roles(models)
    sessions = {name: entrant.open(target.threads) for name, entrant in models.items()}
    logits = _all_logits(sessions, test, advance)
    advance(len(models), len(models) + 1, "latency")
    times = _latencies(params, sessions, test)
    exam = Exam(params, kind, classes, test.labels(), logits[TEACHER], seed)
    scores = tuple(score(exam, name, entrant, logits[name], times[name]) for name, entrant in models.items())
    gain = _gain(exam, logits)
    advance(len(models) + 1, len(models) + 1, "judged")
    return Evaluation(scores, gain, notes_on(scores, gain, target))


def score_alone(
    params: Evaluate,
    name: str,
    entrant: Entrant,
    kind: TaskKind,
    classes: tuple[str, ...],
    test: SplitArrays,
    target: Target,
    seed: int,
) -> Score:
    """Returns the score of one model on the test split; with no teacher there, agreement is with itself.

    Raises:
        IntegrityError: the file has other bytes than on record.
    """
    session = {name: entrant.open(target.threads)}
    logits = _all_logits(session, test, silent)[name]
    exam = Exam(params, kind, classes, test.labels(), logits, seed)
    return score(exam, name, entrant, logits, _latencies(params, session, test)[name])


def _require_roles(models: Mapping[str, Entrant]) -> None:
    for role in (TEACHER, BASELINE, STUDENT):
        if role not in models:
            do = "the stage that trains it must run first"
            raise StageError(mismatch("evaluate", "models", f"`{role}` among them", ", ".join(models), do))


def _all_logits(sessions: Mapping[str, Session], test: SplitArrays, advance: Advance) -> dict[str, NDArray[np.float32]]:
    logits = {}
    for place, (name, session) in enumerate(sessions.items()):
        advance(place, len(sessions) + 1, name)
        logits[name] = np.concatenate([session.predict(b.inputs, b.lengths) for b in test.batches()])
    return logits


def _latencies(params: Evaluate, sessions: Mapping[str, Session], test: SplitArrays) -> dict[str, NDArray[np.float64]]:
    """Times all models on the same samples: the first of the split, again from its start where they are too few."""
    sample = test.gather(np.arange(params.latency.batch_size) % len(test))
    return measure(sessions, sample.inputs, sample.lengths, params.latency.warmup, params.latency.repeats)


def _gain(exam: Exam, logits: Mapping[str, NDArray[np.float32]]) -> Interval:
    ours, theirs = (exam.kind.correct(logits[name], exam.labels) for name in (STUDENT, BASELINE))
    return paired_difference(ours, theirs, exam.params, exam.seed)
