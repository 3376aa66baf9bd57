"""Teachers that are ready to be asked: their networks, what is on record of them, and where their soft labels are."""

from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator

from params.distill import Distill
from tasks.core.progress import Advance
from tasks.distill.soft_labels.cached import CachedSoftLabels, SoftLabelKey
from tasks.distill.soft_labels.source import Ensemble, LiveSoftLabels, SoftLabelSource
from tasks.distill.teachers.teacher_kind import Answerer
from tasks.kinds.contract import Per
from tasks.models.build import Network
from tasks.training.augment import Augmenter
from tasks.training.memory_format import prefer_channels_last
from tasks.training.network import PreparedData


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

    def ready(self) -> "Teachers":
        """Puts the networks on the device, frozen and in eval mode."""
        for teacher in self.teachers:
            network = teacher.network.to(self.device)
            prefer_channels_last(network)
            network.eval().requires_grad_(requires_grad=False)
        return self

    def soft_labels(
        self, params: Distill, per: Per, data: PreparedData, augmenter: Augmenter | None, advance: Advance
    ) -> SoftLabelSource:
        """Returns the soft labels of the teachers together, from disk or live, as the recipe wants it."""
        members = [self._soft_labels(teacher, params, per, data, augmenter, advance) for teacher in self.teachers]
        weights = [teacher.weight for teacher in self.teachers]
        return members[0] if len(members) == 1 else Ensemble(members, weights, data.losses)

    def _soft_labels(
        self,
        teacher: LoadedTeacher,
        params: Distill,
        per: Per,
        data: PreparedData,
        augmenter: Augmenter | None,
        advance: Advance,
    ) -> SoftLabelSource:
        if params.soft_labels.source == "live":
            return LiveSoftLabels(teacher.network, data.losses, per)
        key = SoftLabelKey(teacher.digest, self.data_digest, per, params.soft_labels.top)
        only_stored = isinstance(teacher.network, Answerer) and teacher.network.only_stored
        train, views = data.splits.train, None if only_stored else augmenter
        return CachedSoftLabels(
            teacher.network, key, train, data.losses, self.store, views, advance, one_view=only_stored
        )
