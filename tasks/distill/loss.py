"""What a distilled student minimises: `alpha * CE + (1 - alpha) * sum of weight * objective`."""

from functools import lru_cache, partial

from torch import Tensor, nn

from params.distill import Distill
from params.objectives import FeatureObjective, Kl
from params.training import Training
from tasks.distill.feature_terms import FeatureTerms
from tasks.distill.fused import SoftAndHard, softened
from tasks.distill.objectives.schedules import value_at
from tasks.distill.soft_labels.signal import Signal
from tasks.distill.soft_terms import Answer, SoftTerms
from tasks.kinds.kind import TaskKind
from tasks.models.build import Network
from tasks.training.batches import Batch
from tasks.training.heads import HeadWeights
from tasks.training.network import PreparedData


class DistillationLoss(nn.Module):
    """The objective of a distilled student, as the training loop takes it.

    `teacher` is the network that the feature objectives look into; soft labels come from `signal`.
    """

    def __init__(
        self,
        params: Distill,
        training: Training,
        signal: Signal,
        student: Network,
        teacher: Network,
        data: PreparedData,
    ) -> None:
        super().__init__()
        self.params, self.epochs, self.smoothing = params, training.epochs, training.label_smoothing
        self.signal, self.kind = signal, data.kind
        self.soft = SoftTerms(params, data.kind, training.epochs)
        features = [o for o in params.objectives if isinstance(o, FeatureObjective)]
        self.features = (
            FeatureTerms(features, student, teacher, data.card.input, len(data.splits.train), training.epochs)
            if features
            else None
        )
        self.heads = HeadWeights(training.heads, data.kind.head_names)
        self.plain = _is_plain(params, training, data.kind)
        # One function object per temperature: the soft labels of a chunk are prepared once for each.
        self._softened = lru_cache(maxsize=2)(lambda temperature: partial(softened, temperature=temperature))

    def forward(self, network: nn.Module, batch: Batch, alpha: float | None = None) -> dict[str, Tensor]:
        """Returns the loss and its parts, each (); `alpha` in place of the recipe's."""
        alpha = value_at(self.params.alpha, batch.chunk.epoch, self.epochs) if alpha is None else alpha
        if self.plain:
            return self._plain(network, batch, alpha)
        student = Answer.of(network, batch, self.soft.per_step)
        hard = self.kind.hard_losses(student.logits, batch.labels, self.smoothing)
        soft, shown = self.soft(student, self.taught(batch), batch)
        loss = self.heads(alpha * hard + (1 - alpha) * soft)
        terms = {"hard_loss": hard.sum(), "soft_loss": soft.sum(), **shown}
        if self.features:
            value, shown = self.features(batch)
            loss, terms = loss + (1 - alpha) * value, terms | shown
        return {"loss": loss} | terms

    def teachers_part(self, network: nn.Module, batch: Batch) -> Tensor:
        """Returns the soft-label terms () or, where there are none, the feature terms, with their gradient."""
        terms = self(network, batch, alpha=0.0)
        part: Tensor = terms["soft_loss"] if self.soft.objectives and not self.plain else terms["loss"]
        return part

    def taught(self, batch: Batch) -> Answer:
        """Returns what the teachers say about a batch."""
        said = self.signal.at(batch)
        return Answer.of_steps(said, batch) if self.soft.per_step else Answer(said)

    def close(self) -> None:
        """Takes off what was attached to the networks."""
        if self.features:
            self.features.remove()

    def _plain(self, network: nn.Module, batch: Batch, alpha: float) -> dict[str, Tensor]:
        temperature = value_at(self.params.temperature, batch.chunk.epoch, self.epochs)
        soft, entropy = self.signal.prepared(batch, self._softened(temperature))
        logits = network(batch.inputs, batch.lengths)
        loss, hard, divergence = SoftAndHard.apply(logits, batch.labels, soft, entropy, alpha, temperature)  # type: ignore[no-untyped-call]
        return {"loss": loss, "hard_loss": hard, "soft_loss": divergence}


def _is_plain(params: Distill, training: Training, kind: TaskKind) -> bool:
    """Says whether the loss is the plain one: KL alone at weight 1, every soft label speaks, one head, no smoothing."""
    return (
        params.objectives == (Kl(kind="kl"),)
        and params.confidence_mode == "drop"
        and params.confidence_threshold == 0
        and training.label_smoothing == 0
        and len(kind.head_names) == 1
    )
