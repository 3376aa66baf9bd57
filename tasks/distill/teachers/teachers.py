"""Teachers that are ready to be asked: their networks, what is on record of them, and where their soft labels are."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator

from params.distill import Distill
from tasks.core.errors import RecipeError, mismatch
from tasks.core.progress import Advance, Notice, say
from tasks.distill.soft_labels.cached import CachedSoftLabels, SoftLabelKey, bytes_per_sample
from tasks.distill.soft_labels.source import Ensemble, LiveSoftLabels, SoftLabelSource, teacher_outputs
from tasks.distill.teachers.teacher_kind import Answerer
from tasks.kinds.contract import Per, Tensors
from tasks.models.build import Network
from tasks.training.arrays import SplitArrays
from tasks.training.augment import Augmenter
from tasks.training.batches import Batch
from tasks.training.memory_format import prefer_channels_last
from tasks.training.network import PreparedData
from tasks.training.seeds import generator


@dataclass(frozen=True)
class LoadedTeacher:
    """A network, the digest that identifies it, its weight in an ensemble, and its name and score on record."""

    network: Network | Answerer
    digest: str
    weight: float = 1.0
    name: str = "teacher"
    score: float | None = None
    """its deciding metric on validation; None where it was not measured on this data"""


@dataclass(frozen=True)
class Teachers:
    """One teacher or several, and the folder that keeps soft labels for every run on this machine."""

    teachers: tuple[LoadedTeacher, ...]
    data_digest: str
    store: Path

    @property
    def device(self) -> torch.device:
        """Where training happens."""
        device: torch.device = Accelerator().device
        return device

    @property
    def network(self) -> Network | None:
        """The network that layers are looked for in: that of the first; None where it has none."""
        first = self.teachers[0].network
        return first if isinstance(first, Network) else None

    def answers(self, split: SplitArrays, count: int) -> Tensors:
        """Returns what the first teacher gives for so many samples of a split, drawn from all of it."""
        rows = generator(len(split), count).permutation(len(split))[:count]
        parts = [
            teacher_outputs(self.teachers[0].network, Batch.of(arrays, self.device))
            for arrays in split.batches(rows=rows)
        ]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def ready(self) -> "Teachers":
        """Puts the networks on the device, frozen and in eval mode."""
        for teacher in self.teachers:
            network = teacher.network.to(self.device)
            prefer_channels_last(network)
            network.eval().requires_grad_(requires_grad=False)
        return self

    def soft_labels(self, lesson: "Lesson", advance: Advance) -> SoftLabelSource:
        """Returns the soft labels of the teachers together, from disk or live, as the recipe wants it."""
        members = [self._soft_labels(teacher, lesson, advance) for teacher in self.teachers]
        weights = [teacher.weight for teacher in self.teachers]
        return members[0] if len(members) == 1 else Ensemble(members, weights, lesson.data.losses)

    def _soft_labels(self, teacher: LoadedTeacher, lesson: "Lesson", advance: Advance) -> SoftLabelSource:
        how, losses, train = lesson.params.soft_labels, lesson.data.losses, lesson.data.splits.train
        only_stored = isinstance(teacher.network, Answerer) and teacher.network.only_stored
        if only_stored:
            _require_answers_hold(lesson)
        elif self._lives(teacher, lesson):
            return LiveSoftLabels(teacher.network, losses, lesson.per)
        key = SoftLabelKey(teacher.digest, self.data_digest, lesson.per, how.top)
        views = None if only_stored else lesson.augmenter
        return CachedSoftLabels(teacher.network, key, train, losses, self.store, views, advance, one_view=only_stored)

    def _lives(self, teacher: LoadedTeacher, lesson: "Lesson") -> bool:
        how, train = lesson.params.soft_labels, lesson.data.splits.train
        if how.source != "auto":
            return how.source == "live"
        first = Batch.of(train.gather(np.arange(1)), self.device)
        outputs = teacher_outputs(teacher.network, first, lesson.per)
        stored = bytes_per_sample(outputs, lesson.data.losses, how.top) * len(train) * lesson.views
        if stored <= how.most_megabytes * 1e6:
            return False
        told = f"asked at each step: {lesson.views} views would take {stored / 1e6:,.0f} MB on disk"
        say(Notice("soft labels", f"{told}, more than `soft_labels.most_megabytes`: {how.most_megabytes:,}"))
        return True


@dataclass(frozen=True)
class Lesson:
    """What soft labels are wanted for.

    Attributes:
        params: how they are learned from.
        per: whether each frame of a sequence has one of its own.
        data: the samples.
        augmenter: what changes these, if anything does.
        epochs: of the training.
    """

    params: Distill
    per: Per
    data: PreparedData
    augmenter: Augmenter | None
    epochs: int

    @property
    def views(self) -> int:
        """How many versions of each sample the student sees."""
        return 1 if self.augmenter is None else min(self.augmenter.params.views or self.epochs, self.epochs)


def _require_answers_hold(lesson: Lesson) -> None:
    """Refuses stored answers of places in pictures where these are moved.

    Raises:
        RecipeError: they would be of other places than those that the student sees.
    """
    if lesson.augmenter is not None and lesson.augmenter.moves_targets:
        expected, got = "a teacher that can be asked about moved pictures", "answers to the pictures as they are"
        do = "leave steps that move pictures out of `training.augment`, or bring the network itself"
        raise RecipeError([mismatch("recipe", "teacher", expected, got, do)])
