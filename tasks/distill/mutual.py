"""Mutual learning: two students, no teacher; each learns from the labels and from the other's outputs at the time.

Zhang, Xiang, Hospedales and Lu 2018 (arXiv:1706.00384), equations 5 and 6, with our `alpha` and T^2. Both are one
network to the loop, and each sees the other's logits as constants, so that one optimiser updates both as two would.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from params.distill import Distill
from params.models import Architecture
from params.objectives import FeatureObjective
from params.student import Peer, Student
from params.training import Training
from tasks.core.errors import RecipeError, mismatch
from tasks.core.progress import Advance
from tasks.distill.annealing import value_at
from tasks.distill.loss import mixed
from tasks.distill.soft_terms import OutputPair, SoftTerms
from tasks.kinds.contract import Tensors
from tasks.models.build import Network
from tasks.training.batches import Batch
from tasks.training.heads import HeadWeights, total
from tasks.training.loop import VALIDATION, Fit, OnEpoch, fit
from tasks.training.network import PreparedData, Trained
from tasks.training.seeds import seeded


class Pair(nn.Module):
    """Two networks side by side; asked without `both`, it is the student."""

    def __init__(self, student: Network, peer: Network) -> None:
        super().__init__()
        self.student, self.peer = student, peer

    def forward(self, inputs: Tensors, both: bool = False) -> Tensors | tuple[Tensors, Tensors]:
        """Returns the student's outputs, or those of both."""
        outputs: Tensors = self.student(inputs)
        return (outputs, self.peer(inputs)) if both else outputs


class MutualLoss(nn.Module):
    """`alpha * hard + (1 - alpha) * soft-label objectives` of each, the other one being the teacher."""

    def __init__(self, params: Distill, training: Training, data: PreparedData) -> None:
        super().__init__()
        _require_soft_labels(params)
        self.params, self.training_params, self.data, self.losses = params, training, data, data.losses
        self.soft = SoftTerms(params, self.losses, data.targets, training.epochs)
        self.further = nn.ModuleList(data.training_head() for _ in range(2))
        self.heads = nn.ModuleList(HeadWeights(training.heads, self.losses.heads(data.targets)) for _ in range(2))

    def forward(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Returns the sum of both losses, and the student's parts."""
        student, peer = network(batch.inputs, both=True)
        mine, terms = self._one(0, student, peer, batch)
        others, _ = self._one(1, peer, student, batch)
        return {"loss": mine + others, "peer_loss": others} | terms

    def _one(self, place: int, outputs: Tensors, other: Tensors, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        alpha = value_at(self.params.alpha, batch.chunk.epoch, self.training_params.epochs)
        outputs = self.further[place](outputs, batch.targets)
        pair = OutputPair(outputs, {name: values.detach() for name, values in other.items()}, batch.targets)
        hard = self.losses.losses(outputs, batch.targets, self.data.targets, self.training_params.label_smoothing)
        soft, shown, _ = self.soft(pair, batch.chunk.epoch)
        loss: Tensor = self.heads[place](mixed(hard, soft, alpha))
        return loss, {"hard_loss": total(hard), "soft_loss": total(soft), **shown}


@dataclass(frozen=True)
class Together:
    """The student and its peer, both at the epoch chosen for the student."""

    student: Trained
    peer: Trained


def learn_together(
    params: Student,
    peer: Peer,
    distillation: Distill,
    data: PreparedData,
    seed: int,
    advance: Advance,
    on_epoch: OnEpoch,
) -> Together:
    """Returns two networks that taught each other.

    Raises:
        RecipeError: an objective needs a teacher.
    """
    with seeded(seed):
        # The student first, so that it starts from the weights of its baseline.
        networks = [data.network(architecture) for architecture in _architectures(params, peer)]
        pair, loss = Pair(*networks), MutualLoss(distillation, params.training, data)
        augmenter = data.augmenter(params.training, seed)
        done = fit(pair, data.splits, loss, data.measuring, params.training, seed, advance, on_epoch, augmenter)
    student, other = (network.cpu().eval() for network in networks)
    return Together(Trained(student, done), Trained(other, _judged(other, data)))


def _architectures(params: Student, peer: Peer) -> tuple[Architecture, Architecture]:
    return params.architecture, peer.architecture


@torch.no_grad()
def _judged(network: Network, data: PreparedData) -> Fit:
    """Returns the metrics of the peer at the chosen epoch."""
    scores = data.measuring.measure(network, data.splits.validation)
    return Fit(1, ({f"{VALIDATION}{name}": value for name, value in scores.items()},))


def _require_soft_labels(params: Distill) -> None:
    problems = [
        mismatch(
            "recipe", f"distill.objectives.{o.kind}", "soft-label objectives beside `peer`", o.kind, "leave it out"
        )
        for o in params.objectives
        if isinstance(o, FeatureObjective) or getattr(o, "per", "sequence") == "step"
    ]
    if problems:
        raise RecipeError(problems)
