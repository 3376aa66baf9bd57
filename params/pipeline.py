"""The whole recipe: one product, from its data to the gate in front of the edge."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from params.compress import Compress
from params.data import Data
from params.distill import Distill
from params.evaluate import Evaluate
from params.models import Audio
from params.objectives import FeatureObjective, Objective, SoftLabelObjective
from params.promote import Promote
from params.retrain import Notify, Retrain
from params.section import Name, Section
from params.student import Assistant, Peer, Student
from params.sweep import Sweep
from params.teacher import Teacher, TrainedTeacher
from params.weights.inits import ChampionInit


class Recipe(Section):
    """One YAML file under `params/`, named after the product."""

    name: Name
    """of the product, its runs and its releases; that of the file unless said"""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """of every training of this recipe; the split has its own"""
    data: Data
    teacher: Teacher | None = None
    """trained here, or brought along in one of four ways; null where two students teach each other"""
    ensemble: Annotated[tuple[Teacher, ...], Field(strict=False)] = ()
    """further teachers: the soft label is the mean of all, by their `weight`"""
    assistant: Assistant | None = None
    peer: Peer | None = None
    student: Student
    distill: Distill = Distill()
    compress: Compress = Compress()
    evaluate: Evaluate = Evaluate()
    promote: Promote = Promote()
    retrain: Retrain = Retrain()
    notify: Notify | None = None
    sweep: Sweep | None = None
    """many students of one teacher, to choose among: `stillhouse sweep`"""

    @model_validator(mode="after")
    def _somebody_teaches(self) -> Self:
        if (self.teacher is None) == (self.peer is None):
            raise ValueError(
                "give exactly one of `teacher` (a large network to learn from) and `peer` (a second student:"
                " mutual learning)"
            )
        if self.peer and (self.ensemble or self.assistant):
            raise ValueError("`peer` goes without `ensemble` and `assistant`: in mutual learning there is no teacher")
        if self.peer and self.student.processes > 1:
            raise ValueError("`student.processes` goes without `peer`: mutual learning happens in one process")
        if self.peer and self.student.starts_from_teacher:
            raise ValueError("`student.init: {kind: teacher}` goes without `peer`: there is no teacher to start from")
        if self.peer and isinstance(self.student.init, ChampionInit):
            raise ValueError("`student.init: {kind: champion}` goes without `peer`: both students begin from nothing")
        if any(isinstance(getattr(teacher, "init", None), ChampionInit) for teacher in self.ensemble):
            raise ValueError("`ensemble` goes without `init: {kind: champion}`: a release has the first teacher alone")
        return self

    @model_validator(mode="after")
    def _what_only_answers_has_no_layers(self) -> Self:
        first = self.teacher
        if first is None or first.is_network:
            problems = []
        else:
            learner, distill = ("assistant.", self.assistant.distill) if self.assistant else ("", self.distill)
            problems = [
                f"`{learner}distill.objectives.{objective.kind}`"
                for objective in distill.objectives
                if isinstance(objective, FeatureObjective) or getattr(objective, "per", "") == "step"
            ]
            if self.student.starts_from_teacher and not self.assistant:
                problems.append("`student.init`")
        if problems:
            raise ValueError(
                f"{', '.join(problems)}: a teacher of `kind: {getattr(first, 'kind', '')}` only answers and has no"
                " layers; take soft-label objectives per sample (kl, dist, ...), or bring it as a network"
            )
        return self

    @model_validator(mode="after")
    def _answers_are_stored(self) -> Self:
        how = self.assistant.distill if self.assistant else self.distill
        if how.soft_labels.source == "live" and any(teacher.stores_answers for teacher in self.teachers):
            raise ValueError("`soft_labels: live` goes without a teacher whose answers are stored: say `cached`")
        return self

    @model_validator(mode="after")
    def _samples_without_labels_are_taught(self) -> Self:
        if not self.data.has_unlabelled:
            return self
        if self.peer:
            raise ValueError("samples without labels need a `teacher`; a `peer` knows no more than the student")
        lessons = {"distill": self.distill} | ({"assistant.distill": self.assistant.distill} if self.assistant else {})
        problems = [
            *(f"`{name}.objectives.{o.kind}`" for name, how in lessons.items() for o in how.objectives if o.asks_label),
            *(f"`{name}.confidence_mode: right`" for name, how in lessons.items() if how.confidence_mode == "right"),
        ]
        if problems:
            raise ValueError(f"{', '.join(problems)}: needs the label of every sample, and some have none")
        return self

    @model_validator(mode="after")
    def _without_labels_only_teachers_teach(self) -> Self:
        if not self.data.labels.none:
            return self
        teachers = {"teacher": self.teacher, **{f"ensemble.{place}": one for place, one in enumerate(self.ensemble)}}
        problems = [f"`{name}`: is trained here" for name, one in teachers.items() if isinstance(one, TrainedTeacher)]
        if self.student.fine_tune:
            problems.append("`student.fine_tune`: goes by labels alone")
        if problems:
            raise ValueError(
                f"{', '.join(problems)}, and with `data.labels: none` no training sample has a label; bring a teacher"
                " (weights, onnx, answers, command), or keep some labels"
            )
        return self

    @model_validator(mode="after")
    def _embeddings_are_learned_as_they_are_compared(self) -> Self:
        said = self.data.embedding
        if said is None:
            return self
        lessons = {"distill": self.distill} | ({"assistant.distill": self.assistant.distill} if self.assistant else {})
        for name, how in lessons.items():
            if said.gallery == "teacher" and not any(_brings_to_the_teachers(one) for one in how.objectives):
                raise ValueError(
                    f"`{name}.objectives`: with `data.embedding.gallery: teacher` embeddings are compared with the"
                    " teacher's own, and these only learn how alike samples are; add `{kind: cosine}`"
                )
        sections = {"teacher": self.teacher, "student": self.student, "assistant": self.assistant, "peer": self.peer}
        smooth = [
            f"`{name}.training.label_smoothing`"
            for name, section in sections.items()
            if getattr(getattr(section, "training", None), "label_smoothing", 0)
        ]
        if smooth and not said.has_probabilities:
            raise ValueError(
                f"{', '.join(smooth)}: goes without `data.embedding.loss: {said.loss}`, which has no probabilities;"
                " remove it, or say `loss: arcface`"
            )
        return self

    @model_validator(mode="after")
    def _front_ends_are_of_the_rate(self) -> Self:
        rate = getattr(self.data.reader, "sample_rate", None)
        sections = {"teacher": self.teacher, "student": self.student, "assistant": self.assistant, "peer": self.peer}
        sections |= {f"ensemble.{place}": teacher for place, teacher in enumerate(self.ensemble)}
        problems = [
            f"`{name}.architecture.front_end.sample_rate` {network.front_end.sample_rate} is not"
            f" `data.reader.sample_rate` {rate}; give both the same"
            for name, section in sections.items()
            if isinstance(network := getattr(section, "architecture", None), Audio)
            if rate is not None and network.front_end.sample_rate != rate
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _what_listens_takes_sound(self) -> Self:
        if self.evaluate.listen is not None:
            if not hasattr(self.data.reader, "sample_rate"):
                raise ValueError("`evaluate.listen` goes with readers of sound alone")
            return self
        asked = [
            f"`promote.{name}.{limit}`"
            for name, gate in self.promote.gates.items()
            for limit in ("miss_rate", "false_alarms_per_hour")
            if getattr(gate, limit) is not None
        ]
        if asked:
            raise ValueError(f"{', '.join(asked)} needs `evaluate.listen`, the stream to judge by")
        return self

    @property
    def teachers(self) -> tuple[Teacher, ...]:
        """All teachers, the first of which is the one that the others are measured against; empty beside a `peer`."""
        return (self.teacher, *self.ensemble) if self.teacher else ()

    @property
    def model_sections(self) -> dict[str, Any]:
        """All sections that a model is made of: not when to retrain, whom to notify, and what a sweep tries."""
        return self.model_dump(mode="json", exclude={"retrain", "notify", "sweep"})


def _brings_to_the_teachers(objective: Objective) -> bool:
    return isinstance(objective, SoftLabelObjective) and objective.towards_outputs and not objective.standardise
