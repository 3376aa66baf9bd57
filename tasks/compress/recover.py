"""Recovery: a short training after a pass that costs accuracy, with the teacher that the student had."""

from dataclasses import dataclass

from params.compress import Recovery
from params.distill import Distill
from params.student import Student
from params.training import Training
from tasks.compress.sparsify import keep_zeros
from tasks.models.build import Network
from tasks.progress import Advance, silent
from tasks.teaching.student import distill
from tasks.teaching.teaching import Teaching
from tasks.training.loop import Fit, OnEpoch
from tasks.training.network import PreparedData
from tasks.training.predict import predict_logits

SLOWER = 3
"""what the student's learning rate is divided by where the recipe names none"""


@dataclass(frozen=True)
class Recoverer:
    """How the student learned, and from whom."""

    training: Training
    distillation: Distill
    teaching: Teaching
    data: PreparedData
    seed: int
    on_epoch: OnEpoch
    advance: Advance = silent

    def __call__(self, network: Network, recovery: Recovery) -> Network:
        """Returns the network after its recovery, or as it was where that was better on validation; zeros stay."""
        rate = recovery.learning_rate or self.training.learning_rate / SLOWER
        training = self.training.model_copy(update={"epochs": recovery.epochs, "learning_rate": rate})
        state = network.state_dict()

        def start(fresh: Network) -> None:
            fresh.load_state_dict(state)
            keep_zeros(fresh)

        pupil = Student(architecture=network.architecture, training=training)
        done = distill(
            pupil, self.distillation, self.teaching, self.data, self.seed, self.advance, self.on_epoch, start=start
        )
        recovered = done.trained
        return recovered.network if self._best(recovered.fit) >= self._score(network) else network

    def _best(self, fit: Fit) -> float:
        return fit.best[f"validation_{self.data.kind.primary}"]

    def _score(self, network: Network) -> float:
        validation = self.data.splits.validation
        return self.data.kind.quick_scores(predict_logits(network, validation), validation.labels())[
            self.data.kind.primary
        ]
