"""The plain case, `alpha * CE + (1 - alpha) * T^2 * KL`, with its gradient written down instead of traced.

A step of a student of a thousand parameters takes under a millisecond; tracing and walking back through both terms
would cost a tenth of that. Equal to the general case in value and gradient (a test compares them).
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


class SoftAndHard(torch.autograd.Function):
    """The loss of Hinton, Vinyals and Dean 2015 (arXiv:1503.02531, section 2) for whole batches."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        labels: Tensor,
        soft: Tensor,
        negative_entropy: Tensor,
        alpha: float,
        temperature: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the loss, the mean cross-entropy and the mean of T^2 * KL, each ().

        Args:
            ctx: keeps the gradient.
            logits: (batch, classes) of the student.
            labels: (batch,).
            soft: (batch, classes) softmax(teacher / T).
            negative_entropy: (batch,) sum of soft * log(soft).
            alpha: weight of the hard label.
            temperature: T.
        """
        batch = len(logits)
        log_hard = functional.log_softmax(logits, dim=1)
        log_soft = functional.log_softmax(logits / temperature, dim=1)
        hard = functional.nll_loss(log_hard, labels)
        divergence = (negative_entropy.sum() - (soft * log_soft).sum()) * (temperature**2 / batch)
        # d CE / dz = softmax(z) - onehot;  d T^2 KL / dz = T (softmax(z / T) - soft);  both over the batch.
        taught = (log_soft.exp_().sub_(soft)).mul_((1 - alpha) * temperature / batch)
        gradient = taught.add_(log_hard.exp(), alpha=alpha / batch)
        gradient.scatter_add_(1, labels.unsqueeze(1), torch.full_like(gradient[:, :1], -alpha / batch))
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(hard, divergence)
        return alpha * hard + (1 - alpha) * divergence, hard, divergence

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradient with respect to the student's logits."""
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0], None, None, None, None, None


def softened(teacher_logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Returns what `SoftAndHard` needs of the teacher: probabilities (n, classes) at T, and their negative entropy."""
    logarithm = functional.log_softmax(teacher_logits / temperature, dim=1)
    soft = logarithm.exp()
    return soft, (soft * logarithm).sum(dim=1)
