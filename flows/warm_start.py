"""Which release a retrain begins with, where its recipe asks for that: the newest champion, else the last release.

What a stage is given then is a section without that question: the budget of a warm start or the whole one, and where
to begin. Data that a release is made of already is trained on as that release was: from where it began. So the same
data gives the same release, however often it runs and whoever leads by now.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from params.promote import ENVIRONMENTS
from params.student import Student
from params.teacher import Teacher, TeacherFromChampion, TrainedTeacher
from params.weights.inits import ChampionInit, FromChampion
from params.weights.packages import Pretrained
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import DataRecord, ModelRecord
from tasks.contracts.releases import Release
from tasks.contracts.scores import BASELINE, STUDENT, TEACHER, EvaluationRecord
from tasks.contracts.words import beginning_in_words
from tasks.core.progress import Notice, Warned, say
from tasks.distill.starts import unfit
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History

S = TypeVar("S", Student, TrainedTeacher)
NO_RELEASE = "there is no release yet"


@dataclass(frozen=True)
class WarmStart:
    """The releases of a model, as a retrain on some data begins with one of them."""

    model: str
    data: DataRecord

    def teacher(self, teacher: Teacher) -> tuple[Teacher, Beginning | None]:
        """Returns the section of the teacher as it is trained, and where that begins; None where it is not asked."""
        if not isinstance(teacher, TrainedTeacher) or not isinstance(teacher.init, TeacherFromChampion):
            return teacher, None
        start = self._start(TEACHER, teacher, teacher.init)
        return cold_teacher(teacher) if start.version is None else _warm(teacher, teacher.published), start

    def student(self, student: Student) -> tuple[Student, Beginning | None]:
        """Returns the section of the student as it is distilled, and where that begins."""
        return self._pupil(STUDENT, student)

    def baseline(self, student: Student) -> tuple[Student, Beginning | None]:
        """Returns the same for the student without its teacher, which begins with the one of the release.

        So nothing of a teacher reaches it from release to release.
        """
        return self._pupil(BASELINE, student)

    def _pupil(self, role: str, student: Student) -> tuple[Student, Beginning | None]:
        if not isinstance(student.init, FromChampion):
            return student, None
        start = self._start(role, student, student.init)
        return cold_student(student) if start.version is None else _warm(student, "random"), start

    def _start(self, role: str, section: Student | TrainedTeacher, init: ChampionInit) -> Beginning:
        start = self._found(role, section, init)
        say(Notice("begins", beginning_in_words(role, start)))
        return start

    def _found(self, role: str, section: Student | TrainedTeacher, init: ChampionInit) -> Beginning:
        release, rows = self.release, self._row_of_warm_starts(role)
        if release is None:
            return Beginning(reason=NO_RELEASE)
        if self.same_data is not None:
            return self._again(self.same_data, role, section)
        if rows + 1 >= init.fresh_every:
            return Beginning(reason=f"one release of {init.fresh_every} does, as the recipe says")
        return self._of(release, role, section, rows + 1)

    def _again(self, release: Release, role: str, section: Student | TrainedTeacher) -> Beginning:
        """Returns where a release began that was made of the same data."""
        model = _network(ledger.evaluation_of(release), role)
        before = model.beginning if model else None
        if before is None or before.version is None:
            return before or Beginning(reason=f"version {release.version} did, which is of the same data")
        parent = ledger.release_of(self.model, before.version)
        assert parent is not None, "a release that another began with is on record"
        return self._of(parent, role, section, before.generation)

    def _of(self, release: Release, role: str, section: Student | TrainedTeacher, generation: int) -> Beginning:
        """Returns a beginning with a network of a release, if that fits."""
        model, version = _network(ledger.evaluation_of(release), role), release.version
        if model is None:
            return Beginning(reason=f"version {version} does not say what its {role} was")
        if problem := unfit(model, section.architecture, self.data):
            say(Warned(f"the {role} cannot begin with that of version {version}: {problem}"))
            return Beginning(reason=f"the {role} of version {version} does not fit: {problem}")
        return Beginning(
            version=version,
            generation=generation,
            weights_sha256=model.weights.sha256,
            focal=section.init.focal if isinstance(section.init, ChampionInit) else None,
            interpolate=isinstance(section.init, ChampionInit) and section.init.interpolate,
            licences=model.licences,
            weights=model.weights,
        )

    def _row_of_warm_starts(self, role: str) -> int:
        """Returns how many of the last releases began with another, whatever a gate said of them.

        Refused ones count: else a release from nothing that a gate refuses would be tried again every week.
        """
        for row, release in enumerate(self.releases):
            model = _network(ledger.evaluation_of(release), role)
            if model is None or model.beginning is None or model.beginning.version is None:
                return row
        return len(self.releases)

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        """All releases of the model, the last one first."""
        return tuple(release for release in reversed(ledger.releases()) if release.model == self.model)

    @cached_property
    def same_data(self) -> Release | None:
        """The last release that was made of this data."""
        return next((release for release in self.releases if release.data_version == self.data.version), None)

    @cached_property
    def release(self) -> Release | None:
        """The newest release that leads an environment; where none leads, the last one."""
        history = History.load(self.model)
        leading = max(_leading(self.model, history), default=None)
        return ledger.latest_release(self.model, history) if leading is None else ledger.release_of(self.model, leading)


def cold_teacher(teacher: Teacher) -> Teacher:
    """Returns the section of a teacher that begins as if there were no release."""
    if not isinstance(teacher, TrainedTeacher) or not isinstance(teacher.init, TeacherFromChampion):
        return teacher
    return teacher.model_copy(update={"init": teacher.published, "training": teacher.training.cold})


def cold_student(student: Student) -> Student:
    """Returns the section of a student that begins as if there were no release."""
    if not isinstance(student.init, FromChampion):
        return student
    return student.model_copy(update={"init": student.first_init, "training": student.training.cold})


def _warm(section: S, init: Pretrained | str | None) -> S:
    """Returns a section whose training begins with weights that it is given; `init` is that of no weights."""
    return section.model_copy(update={"init": init, "training": section.training.warmed})


def _leading(model: str, history: History) -> Iterator[int]:
    for environment in ENVIRONMENTS:
        version = history.champion(model, environment)
        if version is not None:
            yield version


def _network(evaluation: EvaluationRecord, role: str) -> ModelRecord | None:
    return {TEACHER: evaluation.teacher, BASELINE: evaluation.baseline, STUDENT: evaluation.student}[role]
