"""Train one network from a recipe: what teacher, student and baseline have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from params.models import Architecture
from params.training import Training
from tasks.errors import IntegrityError, mismatch
from tasks.files import sha256_of
from tasks.kinds.kind import TaskKind, find_kind
from tasks.models.build import Network, build_model
from tasks.progress import Advance
from tasks.records import DataRecord, DatasetCard
from tasks.training.arrays import CARD, SplitArrays, read_card
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
        """Opens the folder of a data record; arrays are mapped, not read.

        Raises:
            IntegrityError: the folder holds another version by now, or none.
        """
        directory = Path(data.directory)
        _require_version(directory / CARD, data)
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


def _require_version(card: Path, data: DataRecord) -> None:
    got = sha256_of(card) if card.is_file() else "no file"
    if got != data.card_sha256:
        do = f"run `stillhouse run params/{data.name}.yaml`, which prepares what is meant"
        expected = f"sha256 {data.card_sha256}, data version {data.version}"
        raise IntegrityError(mismatch(str(card), "", expected, got, do))


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
