"""Train one network from a recipe: what teacher, student and baseline have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from params.models import Architecture
from params.training import Training
from tasks.kinds.kind import TaskKind, find_kind
from tasks.models.build import Network, build_model
from tasks.progress import Advance
from tasks.records import DataRecord, DatasetCard
from tasks.training.arrays import SplitArrays, read_card
from tasks.training.loop import Fit, Objective, OnEpoch, Splits, fit
from tasks.training.seeds import seeded


@dataclass(frozen=True)
class PreparedData:
    """Prepared data, opened: the card, the kind of task, and the two splits a training may see."""

    card: DatasetCard
    kind: TaskKind
    splits: Splits
    directory: Path

    @classmethod
    def open(cls, data: DataRecord) -> "PreparedData":
        """Opens the folder of a data record; arrays are mapped, not read."""
        directory = Path(data.directory)
        card = read_card(directory)
        splits = Splits(SplitArrays(directory, card, "train"), SplitArrays(directory, card, "validation"))
        return cls(card, find_kind(card.task), splits, directory)

    @property
    def outputs(self) -> int:
        """Number of logits that a network for this data has."""
        return self.kind.outputs(self.card.classes)

    def network(self, architecture: Architecture) -> Network:
        """Returns a network of fresh weights for this data."""
        return build_model(architecture, self.card.input, self.outputs, self.card.statistics)


@dataclass(frozen=True)
class Trained:
    """A network with the weights of its best epoch, and how it got there."""

    network: Network
    fit: Fit
    outputs: int


def train_network(
    architecture: Architecture,
    training: Training,
    data: PreparedData,
    make_objective: Callable[[Network], Objective],
    seed: int,
    advance: Advance,
    on_epoch: OnEpoch,
) -> Trained:
    """Builds a network and trains it, both from `seed`; the objective may look at the network it is made for.

    Raises:
        RecipeError: the architecture does not go with the data.
        StageError: the loss is not finite any more.
    """
    with seeded(seed):
        network = data.network(architecture)
        done = fit(network, data.splits, make_objective(network), data.kind, training, seed, advance, on_epoch)
    return Trained(network.cpu().eval(), done, data.outputs)


def hard_labels_only(kind: TaskKind) -> Objective:
    """Returns the objective of a network that learns without a teacher."""
    return lambda logits, batch: {"loss": kind.hard_loss(logits, batch.labels)}
