"""What a distilled student minimises: `alpha * CE + (1 - alpha) * sum of weight * objective`."""

from torch import Tensor, nn

from params.distill import Distill
from params.objectives import FeatureObjective
from params.training import Training
from tasks.distill.annealing import value_at
from tasks.distill.feature_terms import FeatureTerms
from tasks.distill.soft_labels.source import Signal
from tasks.distill.soft_terms import Answer, SoftTerms
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
            FeatureTerms(features, student, teacher, len(data.splits.train), training.epochs, signal)
            if features
            else None
        )
        self.heads = HeadWeights(training.heads, data.kind.head_names)

    def forward(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Returns the loss and its parts, each ()."""
        return self.weighed(network, batch, value_at(self.params.alpha, batch.chunk.epoch, self.epochs))

    def weighed(self, network: nn.Module, batch: Batch, alpha: float) -> dict[str, Tensor]:
        """Returns the same with `alpha` as the weight of the hard label."""
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
        terms = self.weighed(network, batch, alpha=0.0)
        return terms["soft_loss" if self.soft.objectives else "loss"]

    def taught(self, batch: Batch) -> Answer:
        """Returns what the teachers say about a batch."""
        said = self.signal.at(batch)
        return Answer.of_steps(said, batch) if self.soft.per_step else Answer(said)

    def close(self) -> None:
        """Takes off what was attached to the networks."""
        if self.features:
            self.features.remove()
