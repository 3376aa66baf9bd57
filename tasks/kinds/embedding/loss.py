"""Losses of embeddings: a margin on identities where they are known, and rows of vectors for a teacher's embeddings.

A direction for each training identity learns along with the network. Where the teacher is wider, the student learns the
`width` principal components of its embeddings: what differs most between samples stays, as behind a learned projection,
which is left out at export, it would not. Both are in no file that ships (`TrainingHead`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.contracts.targets import TargetCard, Targets
from tasks.core.errors import RecipeError, mismatch
from tasks.kinds.contract import Asked, LogitRows, Per, Tensors
from tasks.kinds.embedding.margins import arcface, cosface, proxy_anchor, triplet
from tasks.kinds.embedding.names import (
    AXES,
    COSINES,
    EMBEDDING,
    IDENTITY,
    MIDDLE,
    PLACE,
    loss_of,
    margin_of,
    refused_width,
    scale_of,
    width_of,
)

HEAD = "identity"
ANSWERS = 2_048
"""of a wider teacher that its principal components are found from"""
OF_ANGLES = {"arcface": arcface, "cosface": cosface}


class TrainingHead(nn.Module):
    """What belongs to a training and ships with no network: directions of identities, and those of a wider teacher.

    `identities` are the numbers of the training identities, in order; none where the loss needs no directions.
    `components` are those of the teacher; None where both are equally wide.
    """

    known: Tensor
    middle: Tensor | None
    axes: Tensor | None

    def __init__(self, identities: np.ndarray, width: int, components: "Components | None") -> None:
        super().__init__()
        self.register_buffer("known", torch.from_numpy(identities))
        self.directions = nn.Parameter(torch.randn(len(identities), width)) if len(identities) else None
        self.register_buffer("middle", components.middle if components else None)
        self.register_buffer("axes", components.axes if components else None)

    def forward(self, outputs: Tensors, targets: Tensors) -> dict[str, Tensor]:
        """Returns further outputs: those of identities for the samples that have one; the teacher's components."""
        further, embedding = {}, outputs[EMBEDDING]
        if self.directions is not None and IDENTITY in targets:
            identity = targets[IDENTITY]
            further[COSINES] = embedding[: len(identity)] @ functional.normalize(self.directions, dim=1).T
            further[PLACE] = torch.searchsorted(self.known, identity)
        if self.middle is not None and self.axes is not None:
            further[MIDDLE] = self.middle.expand(len(embedding), *self.middle.shape)
            further[AXES] = self.axes.expand(len(embedding), *self.axes.shape)
        return further


class Components(NamedTuple):
    """The mean (wide,) of a teacher's embeddings, and the orthonormal axes (wide, width) along which most differs."""

    middle: Tensor
    axes: Tensor


def principal_components(embeddings: Tensor, width: int) -> Components:
    """Returns those of embeddings (n, wide).

    From their mean, not from the origin: what all embeddings share tells no two apart, and would be the largest part of
    what a student is asked to learn.
    """
    values = embeddings.double()
    middle = values.mean(dim=0)
    _, axes = torch.linalg.eigh((values - middle).T @ (values - middle))  # by rising eigenvalue
    return Components(middle.to(embeddings.dtype), axes.flip(1)[:, :width].to(embeddings.dtype).contiguous())


class EmbeddingLoss:
    """The part of the kind."""

    def heads(self, card: TargetCard) -> tuple[str, ...]:
        """Returns the only head."""
        return (HEAD,)

    def training_head(self, trained: Iterable[Targets], card: TargetCard, teacher: Asked | None) -> nn.Module | None:
        """Returns directions of the training identities, and the components of a teacher that is wider.

        Raises:
            RecipeError: the student is wider than the teacher; or the gallery is the teacher's, and both differ.
        """
        wide = width_of(card) if teacher is None else teacher(1)[EMBEDDING].shape[-1]
        if refused := refused_width(wide, card):
            expected, do = refused
            raise RecipeError([mismatch("recipe", "teacher", expected, f"{wide}", do)])
        needed = loss_of(card) != "triplet"
        found = [np.unique(targets[IDENTITY]) for targets in trained] if needed else []
        identities = np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
        apart = teacher is not None and wide != width_of(card)
        components = principal_components(teacher(ANSWERS)[EMBEDDING], width_of(card)) if teacher and apart else None
        return TrainingHead(identities, width_of(card), components)

    def losses(self, outputs: Tensors, targets: Tensors, card: TargetCard, smoothing: float) -> Mapping[str, Tensor]:
        """Returns the loss () of the recipe; that of triplets where no directions of identities are learned.

        Raises:
            RecipeError: labels are to be smoothed, and the loss has no probabilities.
        """
        margin, name = margin_of(card), loss_of(card)
        if COSINES not in outputs:
            own = margin if name == "triplet" else 0.2
            return {HEAD: triplet(outputs[EMBEDDING], targets[IDENTITY], own)}
        cosines, places, scale = outputs[COSINES], outputs[PLACE], scale_of(card)
        if name in OF_ANGLES:
            return {HEAD: OF_ANGLES[name](cosines, places, margin, scale, smoothing)}
        if smoothing:
            do = "remove it, or say `data.embedding.loss: arcface`"
            raise RecipeError([mismatch("recipe", "training.label_smoothing", f"0 for `{name}`", smoothing, do)])
        return {HEAD: proxy_anchor(cosines, places, margin, scale)}

    def rows(
        self,
        student: Tensors,
        teacher: Tensors,
        targets: Tensors | None,
        card: TargetCard,
        per: Per,
    ) -> Iterator[LogitRows]:
        """Yields one row per sample: the embeddings as vectors of length 1, of a wider teacher its components.

        Raises:
            RecipeError: embeddings of steps are asked for, or widths differ.
        """
        ours, theirs = student[EMBEDDING], teacher[EMBEDDING]
        if AXES in student:  # those of all samples are the same
            theirs = functional.normalize((theirs - student[MIDDLE]) @ student[AXES][0], dim=-1)
        if per == "step":
            got, do = "`per: step`", "say `per: sequence`"
            raise RecipeError([mismatch("recipe", "distill.objectives.per", "an embedding per sample", got, do)])
        if ours.shape[-1] != theirs.shape[-1]:
            got, do = f"{theirs.shape[-1]}", "bring one of that width"
            raise RecipeError([mismatch("recipe", "teacher", f"embeddings of {ours.shape[-1]} numbers", got, do)])
        yield LogitRows(HEAD, ours, theirs, None, None, theirs.new_ones(len(theirs)), None)

    def groups(self, targets: Tensors) -> Tensor | None:
        """Returns the identities."""
        return targets[IDENTITY]

    def mean_of(self, teachers: Sequence[Tensors], weights: Sequence[float]) -> Tensors:
        """Returns the direction of the mean; only embeddings of one space have a meaningful one.

        Raises:
            RecipeError: the teachers' widths differ.
        """
        widths = sorted({one[EMBEDDING].shape[-1] for one in teachers})
        if len(widths) > 1:
            got, do = " and ".join(map(str, widths)), "bring teachers of one space, or one teacher"
            raise RecipeError([mismatch("recipe", "teachers", "embeddings of one width", got, do)])
        parts = [weight * one[EMBEDDING] for weight, one in zip(weights, teachers, strict=True)]
        return {EMBEDDING: functional.normalize(torch.stack(parts).sum(dim=0), dim=-1)}

    def kept(self, outputs: Tensors) -> Tensors:
        """Returns the whole embedding."""
        return {EMBEDDING: outputs[EMBEDDING]}

    def given(self, kept: Tensors) -> Tensors:
        """Returns embeddings of length 1 again: what was stored is rounded."""
        return {EMBEDDING: functional.normalize(kept[EMBEDDING], dim=-1)}


PART = EmbeddingLoss()
