"""Train one network from a recipe: what teacher, student and baseline have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor, nn

from params.models import Architecture
from params.training import Training
from tasks.contracts.records import UNLABELLED, DataRecord, DatasetCard
from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, IntegrityError, mismatch
from tasks.core.files import sha256_of
from tasks.core.progress import Advance
from tasks.core.record import canonical_digest
from tasks.kinds.contract import Asked, LossPart, TargetsPart, Tensors, part
from tasks.models.build import Network, build_model
from tasks.models.layers import require_fit
from tasks.training.arrays import CARD, SplitArrays, read_card
from tasks.training.augment import Augmenter
from tasks.training.batches import Batch
from tasks.training.heads import HeadWeights
from tasks.training.loop import Fit, Objective, OnEpoch, Splits, fit
from tasks.training.measure import Measuring
from tasks.training.mixture import Mixture
from tasks.training.pictures.mosaic import Neighbours
from tasks.training.seeds import seeded
from tasks.training.sound.noise import noise_clips
from tasks.training.sound.steps import SOUND


@dataclass(frozen=True)
class PreparedData:
    """Prepared data, opened: the card, and the two splits a training may see."""

    card: DatasetCard
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
        return cls.open_folder(directory)

    @classmethod
    def open_folder(cls, directory: Path) -> "PreparedData":
        """Opens a folder of prepared data as it is."""
        card = read_card(directory)
        labelled = card.splits["train"].samples
        train = SplitArrays(directory, card, "train") if labelled else Mixture(directory, card, share=1.0)
        return cls(card, Splits(train, SplitArrays(directory, card, "validation")), directory)

    def mixed(self, share: float) -> "PreparedData":
        """Returns the same with batches of which `share` has no targets, where the data has such samples.

        With a share of 0 as many steps are taken, all of them on samples with targets.
        """
        if UNLABELLED not in self.card.splits:
            return self
        return replace(self, splits=replace(self.splits, train=Mixture(self.directory, self.card, share)))

    @property
    def data_digest(self) -> str:
        """The digest of the data in the key of soft labels, equal to that of its `DataRecord`."""
        return canonical_digest({"card_sha256": sha256_of(self.directory / CARD)})

    @property
    def measuring(self) -> Measuring:
        """How models for this data are measured."""
        return Measuring.of(self.card)

    @property
    def losses(self) -> LossPart:
        """How losses are taken for this kind of task."""
        return part(self.card.task, "loss", LossPart)

    def training_head(self, teacher: Asked | None = None) -> "FurtherOutputs":
        """Returns what learns along with a network and ships with none."""
        trained = SplitArrays(self.directory, self.card, "train").targets_by_shard()
        return FurtherOutputs(self.losses.training_head(trained, self.targets, teacher))

    @property
    def targets(self) -> TargetCard:
        """What is known of the targets."""
        return self.card.targets

    def network(self, architecture: Architecture) -> Network:
        """Returns a network of fresh weights for this data.

        Raises:
            RecipeError: the architecture does not go with this kind of input, or with samples of this shape.
        """
        network = build_model(architecture, self.card.spec)
        require_fit(network)
        return network

    def require_names(self, field: str, names: Sequence[str]) -> None:
        """Checks that the targets a network was trained on are named as those of the data, in this order.

        Raises:
            DataError: they are others, or in another order.
        """
        if tuple(names) != self.targets.names:
            expected, got = (", ".join(f"`{name}`" for name in some) for some in (self.targets.names, names))
            do = "bring a network of these targets in this order, or permute the rows of its head"
            raise DataError(mismatch("recipe", field, expected, got, do))

    def augmenter(self, training: Training, seed: int) -> Augmenter | None:
        """Returns what changes the training samples, if anything does.

        Raises:
            RecipeError: a step does not go with this kind of input.
        """
        if training.augment is None:
            return None
        targets = part(self.card.task, "targets", TargetsPart)
        noise = {
            label: noise_clips(self.directory, self.card, "train", label, f"training.augment.steps.{place}: label")
            for place, step in enumerate(training.augment.steps)
            if step.kind in SOUND and (label := getattr(step, "label", None))
        }
        neighbours = Neighbours(self.splits.train, self.card.splits["train"].samples)
        return Augmenter(training.augment, self.card.input, self.card.statistics, seed, targets, noise, neighbours)


def _require_version(card: Path, data: DataRecord) -> None:
    got = sha256_of(card) if card.is_file() else "no file"
    if got != data.card_sha256:
        do = f"run `stillhouse run params/{data.name}.yaml`, which prepares what is meant"
        expected = f"sha256 {data.card_sha256}, data version {data.version}"
        raise IntegrityError(mismatch(str(card), "", expected, got, do))


@dataclass(frozen=True)
class Trained:
    """A network with the weights of the chosen epoch, and how it got there."""

    network: Network
    fit: Fit


def train_network(
    architecture: Architecture,
    training: Training,
    data: PreparedData,
    make_objective: Callable[[Network], Objective],
    seed: int,
    advance: Advance,
    on_epoch: OnEpoch,
    start: Callable[[Network], object] | None = None,
) -> Trained:
    """Builds a network and trains it, both from `seed`; the objective may look at the network it is made for.

    Args:
        architecture: of the network.
        training: its budget.
        data: what it learns from and is chosen on.
        make_objective: called once, with the network.
        seed: of weights, order and augmentation.
        advance: told how far it is.
        on_epoch: given the metrics of each epoch.
        start: fills in other weights than random ones before the first step.

    Raises:
        RecipeError: the architecture or an augmentation does not go with the data, or the budget with the network.
        StageError: the loss is not finite any more.
    """
    with seeded(seed):
        network = data.network(architecture)
        if start:
            start(network)
        augmenter = data.augmenter(training, seed)
        objective = make_objective(network)
        done = fit(network, data.splits, objective, data.measuring, training, seed, advance, on_epoch, augmenter)
    return Trained(network.cpu().eval(), done)


class FurtherOutputs(nn.Module):
    """Adds to the outputs of a network what learns along with it, where a kind of task has such a thing."""

    def __init__(self, head: nn.Module | None) -> None:
        super().__init__()
        self.head = head

    def forward(self, outputs: Tensors, targets: Tensors) -> Tensors:
        """Returns all outputs of a batch, of which the first samples have targets."""
        return outputs if self.head is None else {**outputs, **self.head(outputs, targets)}


class HardLabels(nn.Module):
    """The objective of a network without a teacher: the hard loss of each head, weighted; the weights may learn."""

    def __init__(self, data: PreparedData, training: Training) -> None:
        super().__init__()
        self.data, self.losses, self.smoothing = data, data.losses, training.label_smoothing
        self.weights = HeadWeights(training.heads, self.losses.heads(data.targets))
        self.further = data.training_head()

    def forward(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Returns the loss and, of several heads, that of each."""
        outputs = self.further(network(batch.inputs), batch.targets)
        losses = self.losses.losses(outputs, batch.targets, self.data.targets, self.smoothing)
        shown = {f"{name}_loss": loss for name, loss in losses.items()} if len(losses) > 1 else {}
        return {"loss": self.weights(losses)} | shown
