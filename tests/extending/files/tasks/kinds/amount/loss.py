"""Losses of an amount: half the squared error in units of the targets' deviation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Asked, LogitRows, Per, Tensors


class AmountLoss:
    """The part of the kind."""

    def heads(self, card: TargetCard) -> tuple[str, ...]:
        """Returns the only head."""
        return ("value",)

    def training_head(self, trained: Iterable[Targets], card: TargetCard, teacher: Asked | None) -> nn.Module | None:
        """Returns None: all that learns is in the network."""
        return None

    def losses(self, outputs: Tensors, targets: Tensors, card: TargetCard, smoothing: float) -> Mapping[str, Tensor]:
        """Returns the loss ()."""
        error = (outputs["value"][:, 0] - targets["label"]) / float(card.facts["deviation"])  # type: ignore[arg-type]
        return {"value": (error**2).mean() / 2}

    def rows(
        self, student: Tensors, teacher: Tensors, targets: Tensors, card: TargetCard, per: Per
    ) -> Iterator[LogitRows]:
        """Yields one row of one number per sample, in units of the deviation."""
        scale = float(card.facts["deviation"])  # type: ignore[arg-type]
        ours, theirs = student["value"] / scale, teacher["value"] / scale
        yield LogitRows("value", ours, theirs, None, None, torch.ones_like(theirs[:, 0]), None)

    def groups(self, targets: Tensors) -> Tensor | None:
        """Returns None: each sample is its own."""
        return None

    def mean_of(self, teachers: Sequence[Tensors], weights: Sequence[float]) -> Tensors:
        """Returns the mean."""
        return {"value": torch.stack([w * one["value"] for w, one in zip(weights, teachers, strict=True)]).sum(dim=0)}

    def kept(self, outputs: Tensors) -> Tensors:
        """Returns all of them."""
        return outputs

    def given(self, kept: Tensors) -> Tensors:
        """Returns them as they are."""
        return kept


PART = AmountLoss()
