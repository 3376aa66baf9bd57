"""The champion as a second teacher, on the training samples that it has right (focal distillation).

`loss + weight * mean over samples of [the champion has it right] * KL(champion || network)`: the focal distillation of
Yan et al. 2021 (Positive-Congruent Training, arXiv:2011.09161) with alpha = 0 and beta = 1, beside whatever else is
learned from.
"""

import torch
from torch import Tensor, nn

from params.distill import Distill
from params.training import Training
from tasks.core.errors import RecipeError, mismatch
from tasks.distill.soft_terms import OutputPair, SoftTerms, per_of
from tasks.kinds.contract import Tensors
from tasks.models.build import Network
from tasks.training.batches import Batch
from tasks.training.heads import total
from tasks.training.loop import Objective
from tasks.training.network import PreparedData

FOCAL_LOSS = "focal_loss"
FEW = 2
WHERE_RIGHT = Distill(confidence_mode="right")
"""KL at the usual temperature, where the one that answers is right"""


def held(objective: Objective, champion: Network, weight: float, data: PreparedData, training: Training) -> "FocalLoss":
    """Returns an objective that also holds a network to what the champion has right.

    Raises:
        RecipeError: this kind of task does not say where a network is right.
    """
    _require_right_or_wrong(champion, data)
    return FocalLoss(objective, champion, weight, data, training)


class FocalLoss(nn.Module):
    """An objective, and `weight` times how far a network is from the champion's answers where these are right.

    What learns along in the objective learns along in this one; the champion is no part of either.
    """

    def __init__(
        self, objective: Objective, champion: Network, weight: float, data: PreparedData, training: Training
    ) -> None:
        super().__init__()
        self.objective, self.weight = objective, weight
        self.soft = SoftTerms(WHERE_RIGHT, data.losses, data.targets, training.epochs)
        self.champion = (champion,)  # in a tuple, so that it is not taken for something that learns or is kept

    def forward(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Returns the loss and its parts, each (); `focal_loss` is what the weight is for."""
        answering = AnswersKept(network)
        terms = {**self.objective(answering, batch)}
        focal = self._focal(answering.outputs, batch)
        return terms | {"loss": terms["loss"] + self.weight * focal, FOCAL_LOSS: focal}

    def _focal(self, outputs: Tensors, batch: Batch) -> Tensor:
        """Returns the mean over the samples that have targets; 0 without any."""
        told = {name: values[: batch.labelled] for name, values in outputs.items()}
        if not batch.labelled:
            return next(iter(outputs.values())).new_zeros(())
        (champion,) = self.champion
        inputs = {name: values[: batch.labelled] for name, values in batch.inputs.items()}
        with torch.no_grad():
            answers: Tensors = champion.to(next(iter(inputs.values())).device)(inputs)
        sums, _, _ = self.soft(OutputPair(told, answers, batch.targets), batch.chunk.epoch)
        return total(sums)


@torch.no_grad()
def _require_right_or_wrong(champion: Network, data: PreparedData) -> None:
    batch = Batch.of(next(data.splits.validation.batches(FEW)), next(champion.parameters()).device)
    answers: Tensors = champion(batch.inputs)
    rows = data.losses.rows(answers, answers, batch.targets, data.targets, per_of(WHERE_RIGHT))
    if any(one.right is None for one in rows):
        got = f"{data.card.task}, which does not"
        expected = "a kind of task that says where a network is right"
        raise RecipeError([mismatch("recipe", "init.focal", expected, got, "remove it")])


class AnswersKept(nn.Module):
    """A network whose last outputs are kept, so that they need not be computed twice."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.outputs: Tensors = {}

    def forward(self, inputs: Tensors, **options: bool) -> Tensors:
        """Returns what the network returns."""
        self.outputs = self.network(inputs, **options)
        return self.outputs


HELD = held
