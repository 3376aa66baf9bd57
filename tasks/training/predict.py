"""Logits of a whole split from a torch network, batch by batch."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tasks.training.arrays import Arrays, SplitArrays
from tasks.training.batches import Batch


def predict_logits(model: nn.Module, split: SplitArrays, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
    """Returns logits (n, outputs) of all samples, or of those at `rows`, with the network in eval mode."""
    count, done = len(split) if rows is None else len(rows), 0
    logits: NDArray[np.float32] | None = None
    # Into one array, and not a list: what stays from each batch would nail the heap down between the layers' outputs.
    for arrays in split.batches(rows=rows):
        some = logits_of(model, arrays)
        if logits is None:
            logits = np.empty((count, *some.shape[1:]), dtype=np.float32)
        logits[done : done + len(some)] = some
        done += len(some)
    assert logits is not None, "a split has samples"
    return logits


@torch.no_grad()
def logits_of(model: nn.Module, arrays: Arrays) -> NDArray[np.float32]:
    """Returns the logits (n, outputs) of gathered samples; the network is in eval mode for that and put back after."""
    was_training = model.training
    model.eval()
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    batch = Batch.of(arrays, device)
    logits: NDArray[np.float32] = model(batch.inputs, batch.lengths).float().cpu().numpy()
    model.train(was_training)
    return logits
