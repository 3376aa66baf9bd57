"""Contrastive distillation: which of many samples is the one that the other network looked at?"""

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor, nn
from torch.nn import functional

from params.objectives import Crd
from tasks.distill.objectives.common.features import Features, FeatureShape, pooled
from tasks.distill.objectives.common.pairs import comparable
from tasks.distill.objectives.common.tensors import unit


class CrdLoss(nn.Module):
    """Noise-contrastive loss of pooled features against what is remembered of the other network, in both directions.

    Tian et al. 2020 (arXiv:1910.10699), section 3, with the memory banks and the constants of the authors' code.
    """

    def __init__(
        self, params: Crd, student: Sequence[FeatureShape], teacher: Sequence[FeatureShape], samples: int
    ) -> None:
        super().__init__()
        shapes = zip(student, teacher, strict=True)
        self.contrasts = nn.ModuleList(Contrast(params, *pair, samples) for pair in shapes)

    def forward(self, student: Sequence[Features], teacher: Sequence[Features], labels: Tensor, rows: Tensor) -> Tensor:
        """Returns one loss (), the sum over the pairs.

        Args:
            student: what each layer gave.
            teacher: the same, in the same order; it gets no gradient.
            labels: (batch,).
            rows: (batch,) int64, places of the samples in the training split, each once.
        """
        vectors = [[pooled(side) for side in comparable(*pair)] for pair in zip(student, teacher, strict=True)]
        losses = [contrast(*pair, labels, rows) for contrast, pair in zip(self.contrasts, vectors, strict=True)]
        return torch.stack(losses).sum()


class Contrast(nn.Module):
    """Two embeddings, and banks that remember for each sample of the training split where it was last."""

    students: Tensor
    teachers: Tensor
    labels: Tensor
    log_normalisers: Tensor

    def __init__(self, params: Crd, student: FeatureShape, teacher: FeatureShape, samples: int) -> None:
        super().__init__()
        self.params, self.samples = params, samples
        self.embed_student = nn.Linear(student.channels, params.width)
        self.embed_teacher = nn.Linear(teacher.channels, params.width)
        reach = (3 / params.width) ** 0.5
        for bank in ("students", "teachers"):
            self.register_buffer(bank, torch.empty(samples, params.width).uniform_(-reach, reach))
        self.register_buffer("labels", torch.full((samples,), -1))
        # Of the scores against the teachers and against the students; not a number until the first batch says.
        self.register_buffer("log_normalisers", torch.full((2,), torch.nan))

    def forward(self, student: Tensor, teacher: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        """Returns the loss () of vectors (batch, channels), and remembers them."""
        ours, theirs = unit(self.embed_student(student)), unit(self.embed_teacher(teacher))
        self.labels = self.labels.index_copy(0, rows, labels)
        others = self.negatives(rows)
        differ = self.labels[others] != labels.unsqueeze(1)
        places = torch.cat([rows.unsqueeze(1), others], dim=1)
        loss = self._told_apart(0, ours, self.teachers, places, differ)
        loss = loss + self._told_apart(1, theirs, self.students, places, differ)
        self.students = self._moved(self.students, rows, ours)
        self.teachers = self._moved(self.teachers, rows, theirs)
        return loss

    def negatives(self, rows: Tensor) -> Tensor:
        """Returns places (batch, negatives) of other samples: all of them, or as many at random, some maybe twice."""
        if self.params.negatives >= self.samples - 1:
            steps = torch.arange(1, self.samples, device=rows.device).unsqueeze(0)
        else:
            steps = torch.randint(1, self.samples, (len(rows), self.params.negatives), device=rows.device)
        return (rows.unsqueeze(1) + steps) % self.samples

    def _told_apart(self, side: int, anchors: Tensor, bank: Tensor, places: Tensor, differ: Tensor) -> Tensor:
        """Returns `-log h(positive) - sum of log(1 - h(negative))`, h = x / (x + m / samples), mean over the batch.

        m negatives differ in class from the anchor, as far as that is known by now; the others are left out. An anchor
        without any is 0.
        """
        scores = (anchors @ bank.T).gather(1, places) / self.params.temperature
        count = differ.sum(dim=1, keepdim=True)
        noise = (count.clamp(min=1) / self.samples).log()
        margin = scores - self._log_normaliser(side, scores.detach(), differ) - noise
        positive = functional.logsigmoid(margin[:, :1])
        negative = (functional.logsigmoid(-margin[:, 1:]) * differ).sum(dim=1, keepdim=True)
        return -((positive + negative) * (count > 0)).mean()

    def _log_normaliser(self, side: int, scores: Tensor, differ: Tensor) -> Tensor:
        """Returns the logarithm of `samples` times the mean of exp(scores) in the first batch that there was."""
        left_out = functional.pad(~differ, (1, 0))
        total = scores.masked_fill(left_out, -torch.inf).flatten().logsumexp(0)
        estimate = total - (~left_out).sum().log() + log(self.samples)
        known = self.log_normalisers[side]
        constant = torch.where(known.isnan(), estimate, known)
        self.log_normalisers = self.log_normalisers.index_fill(0, torch.tensor(side, device=known.device), constant)
        return constant

    @torch.no_grad()
    def _moved(self, bank: Tensor, rows: Tensor, seen: Tensor) -> Tensor:
        """Returns a new bank, since the old one is still needed for the gradient."""
        momentum = self.params.momentum
        return bank.index_copy(0, rows, unit(bank[rows] * momentum + seen.to(bank.dtype) * (1 - momentum)))


OBJECTIVE = CrdLoss
