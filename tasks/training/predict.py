"""Outputs of a torch network for a whole split, batch by batch."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tasks.kinds.contract import Arrays as Named
from tasks.kinds.contract import Tensors
from tasks.training.arrays import Arrays, SplitArrays
from tasks.training.batches import Batch


def predict(
    model: nn.Module, split: SplitArrays, rows: NDArray[np.int64] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Returns the outputs (n, ...) of all samples, or of those at `rows`, by name, with the network in eval mode."""
    count, done = len(split) if rows is None else len(rows), 0
    outputs: dict[str, NDArray[np.float32]] = {}
    # Into one array, and not a list: what stays from each batch would nail the heap down between the layers' outputs.
    for arrays in split.batches(rows=rows):
        for name, some in outputs_of(model, arrays).items():
            outputs.setdefault(name, np.empty((count, *some.shape[1:]), dtype=np.float32))
            outputs[name][done : done + len(some)] = some
        done += len(arrays)
    return outputs


@torch.no_grad()
def outputs_of(model: nn.Module, arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    """Returns the outputs (n, ...) of gathered samples; the network is in eval mode for that and put back after."""
    was_training = model.training
    model.eval()
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    outputs: Tensors = model(Batch.of(arrays, device).inputs)
    model.train(was_training)
    return {name: value.float().cpu().numpy() for name, value in outputs.items()}


def side_by_side(outputs: Named) -> NDArray[Any]:
    """Returns the outputs as one array (n, all of them); a single one as it is."""
    values = list(outputs.values())
    return values[0] if len(values) == 1 else np.concatenate([one.reshape(len(one), -1) for one in values], axis=1)
