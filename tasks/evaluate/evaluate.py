"""Judges all models on the same test split, each as the file it is, in the runtime that ships."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from params.compress import Target
from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval
from tasks.contracts.scores import BASELINE, STUDENT, TEACHER, ConstantScore, Machine, Score
from tasks.contracts.thresholds import OperatingPoint
from tasks.core.errors import StageError, mismatch
from tasks.core.progress import Advance
from tasks.evaluate.against.constant import CONSTANT, TRAIN, constant_of, constant_score
from tasks.evaluate.evidence import Answering, gather
from tasks.evaluate.machine import Watch, busy_note
from tasks.evaluate.model_under_test import ModelUnderTest
from tasks.evaluate.notes import notes_on
from tasks.evaluate.score import EvalContext
from tasks.evaluate.slices import slices_of
from tasks.evaluate.thresholds.operate import operating_points
from tasks.evaluate.timing import time_models
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData

TEST, VALIDATION = "test", "validation"


@dataclass(frozen=True)
class Evaluation:
    """A score per model in the order they were given, the student's gain over its baseline if it has one, and warnings.

    `constant` is the best answer that looks at no input. `evidence` of each model on the test split is for tables and
    pictures, and is not kept. `points` are where each model works, if the recipe asks for a limit.
    """

    scores: tuple[Score, ...]
    gains: dict[str, Interval]
    constant: ConstantScore
    machine: Machine
    notes: tuple[str, ...]
    evidence: Mapping[str, Any]
    points: Mapping[str, OperatingPoint]


def evaluate(
    params: Evaluate,
    models: Mapping[str, ModelUnderTest],
    data: PreparedData,
    target: Target,
    seed: int,
    advance: Advance,
) -> Evaluation:
    """Returns the scores of all models on the test split.

    `models` must hold `teacher` and `student`, and `baseline` unless no training sample has a target; all others are
    candidates under their own names. Agreement is with the teacher, the gains are those of `student` over `baseline`.

    Raises:
        IntegrityError: a file has other bytes than on record.
        StageError: one of these is not there, or a model does not run.
    """
    labelled = data.card.splits[TRAIN].samples > 0
    _require_roles(models, (TEACHER, *([BASELINE] if labelled else []), STUDENT))
    always, watch = constant_of(data), Watch()
    scores, context = score_all(params, models, TEACHER, data, target, seed, advance, further={CONSTANT: always})
    gains = context.gains(STUDENT, BASELINE) if labelled else {}
    constant = constant_score(context, always)
    machine = watch.seen(target.threads)
    said = notes_on(data.measuring.deciding, scores, gains, constant, context.independent)
    notes = (*said, *filter(None, [busy_note(machine)]))
    evidence = {name: context.evidence[name].evidence for name in models}
    return Evaluation(scores, gains, constant, machine, notes, evidence, context.points)


def score_all(
    params: Evaluate,
    models: Mapping[str, ModelUnderTest],
    reference: str,
    data: PreparedData,
    target: Target,
    seed: int,
    advance: Advance,
    split: str = TEST,
    further: Mapping[str, Answering] | None = None,
) -> tuple[tuple[Score, ...], EvalContext]:
    """Returns the score of each model on a split, and what they come from; agreement is with `reference`.

    What answers in `further` is no file: its evidence is taken, too, but it has no score.

    Load time and memory, for which each model gets a process of its own, are measured on the test split only.

    Raises:
        IntegrityError: a file has other bytes than on record.
        StageError: a model does not run.
    """
    samples, measuring = open_split(data.directory, split), data.measuring
    sessions = {name: model.open(target.threads) for name, model in models.items()}
    answering = {**sessions, **(further or {})}
    points = operating_points(params, answering, data)
    evidence = gather(measuring, answering, reference, samples, advance, points)
    advance(len(samples), len(samples), "latency")
    timings = time_models(params.latency, models, sessions, samples, target.threads, alone=split == TEST)
    advance(len(samples), len(samples), "intervals")
    slices = slices_of(data.directory, data.card, split)
    context = EvalContext.of(params, measuring, reference, evidence, slices, seed, points)
    return tuple(context.score(name, model, timings[name]) for name, model in models.items()), context


def _require_roles(models: Mapping[str, ModelUnderTest], roles: tuple[str, ...]) -> None:
    for role in roles:
        if role not in models:
            do = "the stage that trains it must run first"
            raise StageError(mismatch("evaluate", "models", f"`{role}` among them", ", ".join(models), do))
