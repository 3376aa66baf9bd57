"""What a number of a recipe is in each epoch."""

from math import cos, pi

from params.annealing import Annealed


def value_at(value: Annealed, epoch: int, epochs: int) -> float:
    """Returns the value in one epoch.

    An annealing is at `start` in epoch 1 and at `end` from epoch `round(over * epochs)` on; in between it is linear in
    the epoch, or half a cosine. Where that is the first epoch, as in a training of one epoch, epoch 1 has `start`.

    Args:
        value: a number or an annealing.
        epoch: from 1.
        epochs: of the whole training.
    """
    if isinstance(value, float | int):
        return value
    last = round(value.over * epochs)
    if epoch == 1 or last <= 1:
        return value.start if epoch == 1 else value.end
    progress = min(1.0, (epoch - 1) / (last - 1))
    moved = progress if value.shape == "linear" else (1 - cos(pi * progress)) / 2
    return value.start * (1 - moved) + value.end * moved
