"""Is a teacher worth learning from? Measured on the labelled validation samples before anything learns from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from params.teacher import TeacherSection
from tasks.contracts.metrics import split_name
from tasks.core.errors import StageError, StillhouseError, mismatch
from tasks.distill.teachers.teacher_kind import MadeTeacher, TeacherWork, kind_of
from tasks.training.measure import Seen
from tasks.training.predict import outputs_of

TRIED = 256
"""validation samples on which other ways of feeding a teacher are tried"""
RISES = 0.1
"""by so much another way must be better before it is named"""


@dataclass(frozen=True)
class Fitness:
    """What a teacher is worth on validation samples, and what a person should know about that."""

    metrics: Mapping[str, float]
    warnings: tuple[str, ...] = ()


def require_fitness(teacher: TeacherSection, made: MadeTeacher, work: TeacherWork) -> Fitness:
    """Measures a teacher.

    Raises:
        StageError: it is no better than chance, or gives its outputs in another order.
    """
    measuring = work.data.measuring
    seen = measuring.seen_by(made.network, work.data.splits.validation)
    words, ways = measuring.part.at_chance(seen.evidence), better_ways(teacher, made, work)
    if words and ways:
        raise StageError(_hopeless(made, words, ways))
    for suspicion in measuring.part.suspicions(seen.evidence, measuring.card):
        raise StageError(f"`teacher`: {suspicion}")
    if words:
        raise StageError(_hopeless(made, words, ways))
    wanted = {metric.name for metric in measuring.part.metrics if metric.each_epoch}
    metrics = {name: value for name, value in measuring.values(seen).items() if split_name(name)[0] in wanted}
    warnings = tuple(f"the teacher does better when fed otherwise: {way}; correct `teacher`" for way in ways)
    return Fitness(metrics, warnings)


def better_ways(teacher: TeacherSection, made: MadeTeacher, work: TeacherWork) -> tuple[str, ...]:
    """Returns, best first, in which other ways of feeding it a teacher is much better on a few samples."""
    found = [(gain, words) for words, gain in _gains(teacher, made, work) if gain > RISES]
    return tuple(f"{words} (+{gain:.2f})" for gain, words in sorted(found, reverse=True))


def _gains(teacher: TeacherSection, made: MadeTeacher, work: TeacherWork) -> Iterator[tuple[str, float]]:
    alternatives: Any = getattr(kind_of(teacher), "alternatives", None)
    if alternatives is None:
        return
    score, _ = _few(made, work)
    for words, other in alternatives(teacher):
        try:
            better, words_of_chance = _few(kind_of(other).make(other, work), work)
        except StillhouseError:
            continue  # a way that does not even run is no better one
        if not words_of_chance:
            yield words, better - score


def _few(made: MadeTeacher, work: TeacherWork) -> tuple[float, str]:
    """Returns the deciding metric on a few validation samples, higher being better; and what it says of chance."""
    measuring, split = work.data.measuring, work.data.splits.validation
    batches = split.batches(rows=split.few(TRIED))
    seen: Seen = measuring.seen((outputs_of(made.network, some), some.targets) for some in batches)
    score = measuring.deciding.sign * measuring.values(seen)[measuring.deciding.name]
    return score, measuring.part.at_chance(seen.evidence)


def _hopeless(made: MadeTeacher, words: str, ways: tuple[str, ...]) -> str:
    if ways:
        do = f"it does better with {ways[0]}: say that"
    elif made.fit:  # trained here, on these samples
        do = "train it for more epochs or with another `learning_rate`, or add samples"
    else:
        do = (
            "is it fed as it was trained (channel order, mean and scale, size), and are its outputs in the order of the"
        )
        do += " data's targets?"
    return mismatch("teacher", "", "a teacher that is better than chance on validation samples", words, do)
