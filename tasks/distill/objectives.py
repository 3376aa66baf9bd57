"""What a student learns from soft labels. `alpha` weighs the hard label, here and everywhere in Stillhouse."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor


def soft_label_loss(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """Returns T^2 * KL(softmax(teacher / T) || softmax(student / T)) for each sample.

    Hinton, Vinyals and Dean 2015 (arXiv:1503.02531), section 2. T^2 keeps the size of the gradient the same when T
    changes. KL is summed over classes; its mean over the batch is what torch calls `batchmean`.

    Args:
        student_logits: (batch, classes).
        teacher_logits: (batch, classes).
        temperature: T > 0.

    Returns:
        (batch,), not negative.
    """
    student = F.log_softmax(student_logits / temperature, dim=1)
    teacher = F.log_softmax(teacher_logits / temperature, dim=1)
    divergence = (teacher.exp() * (teacher - student)).sum(dim=1)
    return divergence * temperature**2


def confident(confidence: Tensor, threshold: float) -> Tensor:
    """Returns (batch,) ones where the soft label may speak, zeros where the teacher is too unsure.

    Args:
        confidence: (batch,) the teacher's largest probability at T = 1.
        threshold: smallest confidence that may speak, 0..1.
    """
    return (confidence >= threshold).to(confidence.dtype)


def mixed_loss(hard_loss: Tensor, soft_losses: Tensor, speaks: Tensor, alpha: float) -> Tensor:
    """Returns alpha * CE + (1 - alpha) * mean over the batch of T^2 * KL where the soft label speaks.

    The mean is over the whole batch: a silent soft label counts as zero, and makes the others no louder.

    Args:
        hard_loss: scalar, the mean cross-entropy with the hard labels.
        soft_losses: (batch,) from `soft_label_loss`.
        speaks: (batch,) from `confident`.
        alpha: weight of the hard label, 0..1.
    """
    return alpha * hard_loss + (1 - alpha) * torch.mean(soft_losses * speaks)
