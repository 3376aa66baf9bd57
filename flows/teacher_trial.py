"""Does a teacher fit? How good it is on validation samples, how slow, and what soft labels for everything will cost."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from params.pipeline import Recipe
from params.student import Assistant, Student
from params.teacher import CommandTeacher, TeacherSection, TrainedTeacher
from tasks.contracts.metrics import Interval
from tasks.contracts.scores import Table
from tasks.core.errors import InputError, mismatch
from tasks.core.progress import StageAdvanced, say
from tasks.core.workspace import state_dir
from tasks.data.versions.versioning import versioned_data
from tasks.distill.soft_labels.cached import bytes_per_sample
from tasks.distill.teachers.command import unanswered
from tasks.distill.teachers.fitness import better_ways
from tasks.distill.teachers.load_teachers import load_teacher
from tasks.distill.teachers.teacher_kind import MadeTeacher, TeacherWork, folder_of_answers, kind_of
from tasks.evaluate.intervals import intervals, resample
from tasks.kinds.contract import FiguresPart, part
from tasks.registry.ledger import entries as ledger
from tasks.training.measure import Seen
from tasks.training.network import PreparedData
from tasks.training.predict import predict

TITLE = "teacher"
TIMED = 64
"""samples of the answers that tell how long one takes, and how large it is"""


@dataclass(frozen=True)
class TeacherTrial:
    """What a teacher is worth on validation data.

    Attributes:
        kind: of the teacher.
        samples: it was asked about.
        metrics: with their intervals, the one that decides first; without those per group.
        tables: what it takes for what.
        milliseconds: per sample; None where nothing was asked.
        seconds: that soft labels for everything will take; None where nothing tells.
        views: of each training sample that are asked about.
        bytes: that soft labels for everything will take.
        warnings: what a person should know.
    """

    kind: str
    samples: int
    metrics: Mapping[str, Interval]
    tables: tuple[Table, ...]
    milliseconds: float | None
    seconds: float | None
    views: int
    bytes: int
    warnings: tuple[str, ...]


def try_teachers(project: Path, recipe: Recipe) -> tuple[TeacherTrial, ...]:
    """Returns what each teacher of a recipe is worth; data is prepared first, where it is not.

    Raises:
        InputError: there is no teacher, or one that is trained here never was.
        DataError: what was brought along does not fit the data.
        StageError: a teacher does not answer.
    """
    if not recipe.teachers:
        do = "give a `teacher`"
        raise InputError(mismatch(f"params/{recipe.name}.yaml", "teacher", "one", "a peer", do))
    record = versioned_data(project, recipe)
    data = PreparedData.open(record)
    with tempfile.TemporaryDirectory() as folder:
        work = TeacherWork(
            project,
            Path(folder),
            folder_of_answers(state_dir()),
            record,
            data,
            recipe.seed,
            lambda done, total, note: say(StageAdvanced(TITLE, done, total, note)),
            lambda _epoch, _metrics: None,
            ("validation",),
        )
        return tuple(_tried(recipe, teacher, work) for teacher in recipe.teachers)


def _tried(recipe: Recipe, teacher: TeacherSection, work: TeacherWork) -> TeacherTrial:
    made = _trained(recipe, work) if isinstance(teacher, TrainedTeacher) else kind_of(teacher).make(teacher, work)
    measuring, split = work.data.measuring, work.data.splits.validation
    seen = measuring.seen_by(made.network, split)
    figures: FiguresPart[Any] = part(work.data.card.task, "figures", FiguresPart)
    measured, stored = _cost_of_one(recipe, made, work)
    views = 1 if teacher.stores_answers else _views(recipe.assistant or recipe.student)
    samples = len(work.data.mixed(0.0).splits.train) * views
    one: float | None = measured
    left = samples
    if isinstance(teacher, CommandTeacher):
        one, left = made.seconds, unanswered(teacher, work)
    return TeacherTrial(
        kind=teacher.kind,
        samples=len(split),
        metrics=_with_intervals(recipe, seen, work.data),
        tables=tuple(figures.mistakes(seen.evidence, measuring.card)),
        milliseconds=None if one is None else 1e3 * one,
        seconds=one * left if one is not None else None if left else 0.0,
        views=views,
        bytes=samples * stored,
        warnings=(*made.warnings, *_doubts(teacher, made, seen, work)),
    )


def _trained(recipe: Recipe, work: TeacherWork) -> MadeTeacher:
    """Returns the teacher of the last run, which was trained here."""
    last = ledger.last_run(recipe.name)
    release = ledger.release_of(recipe.name, last.version) if last else None
    if release is None:
        do = f"`stillhouse run params/{recipe.name}.yaml` trains it; one that is brought along can be tried before"
        raise InputError(mismatch(f"params/{recipe.name}.yaml", "teacher", "a teacher that is there", "none yet", do))
    model = ledger.evaluation_of(release).teacher
    return MadeTeacher(load_teacher(model, work.data), model.architecture, parameters=model.parameters)


def _with_intervals(recipe: Recipe, seen: Seen, data: PreparedData) -> dict[str, Interval]:
    measuring = data.measuring
    metrics = {metric.name: metric for metric in measuring.part.metrics}
    drawn = resample(
        {TITLE: lambda counts: measuring.part.tally(seen.evidence, counts)}, seen.samples, recipe.evaluate, recipe.seed
    )
    support = measuring.part.support(seen.evidence)
    found = intervals(drawn[TITLE], metrics, seen.samples, support, recipe.evaluate)
    return {name: found[name] for name in metrics if name in found}


def _cost_of_one(recipe: Recipe, made: MadeTeacher, work: TeacherWork) -> tuple[float, int]:
    """Returns seconds of one answer and bytes of it as it is stored."""
    split = work.data.splits.validation
    rows = np.arange(min(TIMED, len(split)))
    predict(made.network, split, rows[:1])
    started = time.perf_counter()
    outputs = predict(made.network, split, rows)
    seconds = (time.perf_counter() - started) / len(rows)
    tensors = {name: torch.from_numpy(values) for name, values in outputs.items()}
    distill = recipe.assistant.distill if recipe.assistant else recipe.distill
    return seconds, bytes_per_sample(tensors, work.data.losses, distill.soft_labels.top)


def _views(learner: Student | Assistant) -> int:
    augment = learner.training.augment
    return 1 if augment is None else min(augment.views or learner.training.epochs, learner.training.epochs)


def _doubts(teacher: TeacherSection, made: MadeTeacher, seen: Seen, work: TeacherWork) -> tuple[str, ...]:
    measuring = work.data.measuring
    chance = measuring.part.at_chance(seen.evidence)
    ways = () if isinstance(teacher, TrainedTeacher) else better_ways(teacher, made, work)
    return (
        *((f"it is no better than chance: {chance}",) if chance else ()),
        *(f"it does better with {way}" for way in ways),
        *measuring.part.suspicions(seen.evidence, measuring.card),
    )
