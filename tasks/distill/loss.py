"""What a distilled student minimises: `alpha * hard + (1 - alpha) * sum of weight * objective`."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from params.distill import Distill
from params.objectives import FeatureObjective
from params.training import Training
from tasks.core.errors import RecipeError, mismatch
from tasks.distill.annealing import value_at
from tasks.distill.feature_terms import FeatureTerms
from tasks.distill.soft_labels.source import SoftLabelSource, shared_forward
from tasks.distill.soft_terms import OutputPair, SoftTerms, per_of
from tasks.kinds.contract import Asked, Tensors
from tasks.models.build import Network
from tasks.training.batches import Batch
from tasks.training.heads import HeadWeights, total
from tasks.training.network import PreparedData

PART = "part."
"""before the name of what a term adds to the loss: `labels.HEAD`, `kl.HEAD` or `cwd`"""
LABELS = "labels"


class DistillationLoss(nn.Module):
    """The objective of a distilled student, as the training loop takes it.

    `teacher` is the network that the feature objectives look into, None where there is none; soft labels come from
    `source`; `asked` gives what the teacher answers to some training samples.
    """

    def __init__(
        self,
        params: Distill,
        training: Training,
        source: SoftLabelSource,
        student: Network,
        teacher: Network | None,
        data: PreparedData,
        asked: Asked | None = None,
    ) -> None:
        super().__init__()
        self.params, self.training_params, self.source, self.data = params, training, source, data
        self.losses, self.per = data.losses, per_of(params)
        self.soft = SoftTerms(params, self.losses, data.targets, training.epochs)
        self.heads = HeadWeights(training.heads, self.losses.heads(data.targets))
        self.further = data.training_head(asked)
        objectives = [o for o in params.objectives if isinstance(o, FeatureObjective)]
        if objectives and teacher is None:
            raise RecipeError([without_layers_of(objectives[0])])
        self.features = (
            FeatureTerms(
                objectives,
                student,
                teacher,
                len(data.splits.train),
                training.epochs,
                shared_forward(source, teacher),
            )
            if objectives and teacher
            else None
        )

    def forward(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Returns the loss and its parts, each ()."""
        return self.weighed(network, batch, value_at(self.params.alpha, batch.chunk.epoch, self.training_params.epochs))

    def weighed(self, network: nn.Module, batch: Batch, alpha: float) -> dict[str, Tensor]:
        """Returns the same with `alpha` as the weight of the hard label.

        Where there are more terms than one of labels and one of soft labels, each has its part of the loss as
        `part.NAME`.
        """
        terms, parts = self._weighed(network, batch, alpha)
        return terms | ({f"{PART}{name}": part for name, part in parts.items()} if len(parts) > 2 else {})

    def _weighed(self, network: nn.Module, batch: Batch, alpha: float) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Returns the loss and what is worth showing, and what each term with a weight adds to it."""
        outputs = network(batch.inputs, steps=True) if self.per == "step" else network(batch.inputs)
        outputs = self.further(outputs, batch.targets)
        pair = OutputPair(outputs, self.source.at(batch), batch.targets if batch.labelled == len(batch) else None)
        hard = self._hard(outputs, batch)
        soft, shown, of_soft = self.soft(pair, batch.chunk.epoch)
        loss = self.heads(mixed(hard, soft, alpha))
        parts = {f"{LABELS}.{name}": alpha * self.heads.weight_of(name) * one for name, one in hard.items() if alpha}
        for (kind, name), value in of_soft.items():
            parts[f"{kind}.{name}"] = (1 - alpha) * self.heads.weight_of(name) * value
        terms = {"hard_loss": total(hard), "soft_loss": total(soft), **shown}
        if self.features:
            value, shown, of_layers = self.features(batch, self._groups(batch))
            loss, terms = loss + (1 - alpha) * value, terms | shown
            parts |= {kind: (1 - alpha) * part for kind, part in of_layers.items()}
        return {"loss": loss} | terms, parts

    def _hard(self, outputs: Tensors, batch: Batch) -> dict[str, Tensor]:
        """Returns the hard loss () of each head, mean over the samples that have targets; 0 without any."""
        if not batch.labelled:
            zero = next(iter(outputs.values())).new_zeros(())
            return dict.fromkeys(self.losses.heads(self.data.targets), zero)
        told = {name: values[: batch.labelled] for name, values in outputs.items()}
        smoothing = self.training_params.label_smoothing
        return {**self.losses.losses(told, batch.targets, self.data.targets, smoothing)}

    def _groups(self, batch: Batch) -> Tensor | None:
        """Returns the groups (batch,) of samples; one that has no target is a group of its own, below zero."""
        groups = self.losses.groups(batch.targets) if batch.labelled else None
        if groups is None:
            return None
        return torch.cat([groups, -2 - torch.from_numpy(batch.rows[batch.labelled :]).to(groups)])

    def teachers_terms(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Returns what each of the teacher's terms adds to the loss (), with its gradient: `kl.HEAD`, or `cwd`."""
        return self._weighed(network, batch, alpha=0.0)[1]

    def taught(self, batch: Batch) -> Tensors:
        """Returns the outputs of the teachers for a batch."""
        return self.source.at(batch)

    def close(self) -> None:
        """Takes off what was attached to the networks."""
        if self.features:
            self.features.remove()


def without_layers_of(objective: FeatureObjective) -> str:
    """Says that an objective needs a network, of which the teacher is none."""
    do = "take one on soft labels (kl, dist, ...), or bring the teacher as a network (`kind: weights`)"
    field = f"distill.objectives.{objective.kind}"
    return mismatch("recipe", field, "a teacher with layers", "one that only answers", do)


def mixed(hard: Mapping[str, Tensor], soft: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """Returns `alpha * hard + (1 - alpha) * soft` of each head; one without soft labels has the first part alone."""
    return {
        name: alpha * loss + (1 - alpha) * soft[name] if name in soft else alpha * loss for name, loss in hard.items()
    }
