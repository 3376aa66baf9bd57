"""What a number of a recipe is in each epoch."""

from math import cos, pi

from params.annealing import Annealed


def value_at(scheduled: Annealed, epoch: int, epochs: int) -> float:
    """Returns the value in one epoch.

    A schedule is at `start` in epoch 1 and at `end` from epoch `round(over * epochs)` on; in between it is linear in
    the epoch, or half a cosine. Where that is the first epoch, as in a training of one epoch, epoch 1 has `start`.

    Args:
        scheduled: a number or a schedule.
        epoch: from 1.
        epochs: of the whole training.
    """
    if isinstance(scheduled, float | int):
        return scheduled
    last = round(scheduled.over * epochs)
    if epoch == 1 or last <= 1:
        return scheduled.start if epoch == 1 else scheduled.end
    progress = min(1.0, (epoch - 1) / (last - 1))
    moved = progress if scheduled.shape == "linear" else (1 - cos(pi * progress)) / 2
    return scheduled.start * (1 - moved) + scheduled.end * moved
