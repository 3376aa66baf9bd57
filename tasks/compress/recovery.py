"""Recovery: a short training after a pass that costs quality, with the teacher that the student had."""

from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from params.compress import Recovery
from params.distill import Distill
from params.objectives import Cosine, FeatureObjective, Kl
from params.student import Student
from params.training import Training
from tasks.compress.context import Begin
from tasks.core.progress import Advance, silent
from tasks.distill.student import distill
from tasks.distill.teachers.teachers import Teachers
from tasks.kinds.limits import has_probabilities
from tasks.models.build import Network
from tasks.training.loop import VALIDATION, OnEpoch
from tasks.training.network import PreparedData

SLOWER = 3
"""what the student's learning rate is divided by where the recipe names none"""


@dataclass(frozen=True)
class Recoverer:
    """How the student learned, and from whom."""

    training: Training
    distillation: Distill
    teachers: Teachers
    data: PreparedData
    seed: int
    on_epoch: OnEpoch
    advance: Advance = silent

    def __call__(self, network: Network, recovery: Recovery, begin: Begin | None = None) -> Network:
        """Returns the network after its recovery, or as it was where that was better on validation; zeros stay.

        With `begin`, which gives a fresh network another body than its architecture says, objectives on layers are
        left out: that body has no layers of those names.
        """
        rate = recovery.learning_rate or self.training.learning_rate / SLOWER
        # There is none on the integer grid to freeze, and that of a cut network has yet to find its statistics.
        budget = {"epochs": recovery.epochs, "learning_rate": rate, "freeze_batch_norm": None}
        training = self.training.model_copy(update=budget)
        state = network.state_dict()

        def start(fresh: Network) -> None:
            begin(fresh) if begin else fresh.load_state_dict(state)
            keep_zeros(fresh)

        pupil = Student(architecture=network.architecture, training=training)
        how = without_layers(self.distillation, self.data.card.task) if begin else self.distillation
        done = distill(pupil, how, self.teachers, self.data, self.seed, self.advance, self.on_epoch, start=start)
        recovered = done.trained
        metric = self.data.measuring.deciding
        gain = recovered.fit.best[VALIDATION + metric.name] - self._score(network)
        return recovered.network if metric.sign * gain >= 0 else network

    def _score(self, network: Network) -> float:
        return self.data.measuring.measure(network, self.data.splits.validation)[self.data.measuring.deciding.name]


def without_layers(distillation: Distill, task: str) -> Distill:
    """Returns the objectives that need the teacher's outputs only; where there are none, that which fits the task."""
    objectives = tuple(o for o in distillation.objectives if not isinstance(o, FeatureObjective))
    objectives = objectives or ((Kl(kind="kl"),) if has_probabilities(task) else (Cosine(kind="cosine"),))
    return distillation.model_copy(update={"objectives": objectives})


def keep_zeros(network: nn.Module) -> None:
    """Lets no gradient reach the weights that are zero now: no optimiser of ours moves them without one."""
    for weight in matrices(network).values():
        if not weight.all():
            mask = (weight != 0).to(weight.dtype)
            weight.register_hook(partial(_where_kept, mask))  # type: ignore[no-untyped-call]


def _where_kept(mask: Tensor, gradient: Tensor) -> Tensor:
    return gradient * mask.to(gradient.device)


def matrices(network: nn.Module) -> dict[str, nn.Parameter]:
    """Returns the weights of the layers by name: not the biases, and not those of norms."""
    return {name: parameter for name, parameter in network.named_parameters() if parameter.ndim > 1}
