"""Optimisers and the learning rate over the steps of a training."""

from collections.abc import Sequence
from math import cos, pi

from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from params.training import Training


def build_optimizer(params: Training, models: Sequence[nn.Module]) -> Optimizer:
    """Returns the optimiser; weight decay spares biases and norms (vectors), which it would only pull to zero."""
    learning = [p for model in models for p in model.parameters() if p.requires_grad]
    matrices = [p for p in learning if p.ndim > 1]
    vectors = [p for p in learning if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": params.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if params.optimizer == "sgd":
        return SGD(groups, lr=params.learning_rate, momentum=0.9, nesterov=True)
    return AdamW(groups, lr=params.learning_rate, fused=True)


def build_schedule(params: Training, optimizer: Optimizer, steps: int) -> LambdaLR:
    """Returns a linear rise over the part `warmup` of `steps`, then half a cosine down to zero (Loshchilov 2017)."""
    rise = int(params.warmup * steps)

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + cos(pi * (step - rise) / max(1, steps - rise)))

    return LambdaLR(optimizer, factor)
