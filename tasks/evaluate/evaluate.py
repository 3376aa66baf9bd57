"""Judges all models on the same test split, each as the file it is, in the runtime that ships."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from params.compress import Target
from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval
from tasks.contracts.scores import Score
from tasks.core.errors import StageError, mismatch
from tasks.core.progress import Advance
from tasks.evaluate.intervals import paired_difference
from tasks.evaluate.model_under_test import BASELINE, STUDENT, TEACHER, ModelUnderTest
from tasks.evaluate.notes import notes_on
from tasks.evaluate.score import EvalContext, score
from tasks.evaluate.slices import slices_of
from tasks.evaluate.timing import time_models
from tasks.runtime.bundle.session import Session
from tasks.training.arrays import SplitArrays, open_split
from tasks.training.network import PreparedData
from tasks.training.predict import side_by_side

TEST, VALIDATION = "test", "validation"


@dataclass(frozen=True)
class Evaluation:
    """A score per model in the order they were given, the student's gain over its baseline, and warnings.

    `logits` (n, outputs) of each model on the test split are for pictures and comparisons, and are not kept.
    """

    scores: tuple[Score, ...]
    gain: Interval
    notes: tuple[str, ...]
    logits: Mapping[str, NDArray[np.float32]]


def evaluate(
    params: Evaluate,
    models: Mapping[str, ModelUnderTest],
    data: PreparedData,
    target: Target,
    seed: int,
    advance: Advance,
) -> Evaluation:
    """Returns the scores of all models on the test split.

    `models` must hold `teacher`, `baseline` and `student`; all others are candidates under their own names. Agreement
    is with the teacher, the gain is that of `student` over `baseline`.

    Raises:
        IntegrityError: a file has other bytes than on record.
        StageError: one of the three is not there, or a model does not run.
    """
    _require_roles(models)
    scores, logits = score_all(params, models, TEACHER, data, target, seed, advance)
    kind, labels = data.kind, open_split(data.directory, TEST).labels()
    ours, theirs = (kind.correct(logits[name], labels) for name in (STUDENT, BASELINE))
    gain = paired_difference(ours, theirs, params, seed)
    return Evaluation(scores, gain, notes_on(scores, gain, target), logits)


def score_all(
    params: Evaluate,
    models: Mapping[str, ModelUnderTest],
    reference: str,
    data: PreparedData,
    target: Target,
    seed: int,
    advance: Advance,
    split: str = TEST,
) -> tuple[tuple[Score, ...], dict[str, NDArray[np.float32]]]:
    """Returns the score and the logits (n, outputs) of each model on a split; agreement is with `reference`.

    Load time and memory, for which each model gets a process of its own, are measured on the test split only.

    Raises:
        IntegrityError: a file has other bytes than on record.
        StageError: a model does not run.
    """
    samples = open_split(data.directory, split)
    sessions = {name: model.open(target.threads) for name, model in models.items()}
    logits = _all_logits(sessions, samples, advance)
    advance(len(models), len(models) + 1, "latency")
    timings = time_models(params.latency, models, sessions, samples, target.threads, alone=split == TEST)
    slices = slices_of(data.directory, data.card, split)
    context = EvalContext(params, data.kind, data.card.targets.names, samples.labels(), logits[reference], slices, seed)
    scores = tuple(score(context, name, model, logits[name], timings[name]) for name, model in models.items())
    advance(len(models) + 1, len(models) + 1, "judged")
    return scores, logits


def _require_roles(models: Mapping[str, ModelUnderTest]) -> None:
    for role in (TEACHER, BASELINE, STUDENT):
        if role not in models:
            do = "the stage that trains it must run first"
            raise StageError(mismatch("evaluate", "models", f"`{role}` among them", ", ".join(models), do))


def _all_logits(
    sessions: Mapping[str, Session], split: SplitArrays, advance: Advance
) -> dict[str, NDArray[np.float32]]:
    logits = {}
    for place, (name, session) in enumerate(sessions.items()):
        advance(place, len(sessions) + 1, name)
        logits[name] = np.concatenate([side_by_side(session.predict(b.inputs)) for b in split.batches()])
    return logits
