"""How one output of a teacher is stored, whole or the largest values of each row: arrays of float16, and of places.

Logits rather than probabilities, since every temperature needs them.
"""

from collections.abc import Mapping
from math import log
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.core.errors import StageError
from tasks.kinds.contract import Tensors

Stored = Mapping[str, NDArray[Any]]
"""file name -> (n, *shape)"""
Files = Mapping[str, tuple[tuple[int, ...], str]]
"""file name -> shape of one sample, and the type of its numbers as NumPy writes it"""
LARGEST = 65_504.0
"""of float16"""
NOT_IN_TOP = float("-inf")


class Packing(Protocol):
    """One way to store an output (n, *shape), whose last axis is a row."""

    @property
    def files(self) -> Files:
        """The arrays it takes."""

    def packed(self, values: Tensor) -> Stored:
        """Returns what is written for values (n, *shape).

        Raises:
            StageError: they are not finite, or too large for float16.
        """

    def unpacked(self, stored: Stored, device: torch.device) -> Tensor:
        """Returns the values (n, *shape) in float32."""

    def compared(self, values: Tensor, stored: Stored) -> tuple[Tensor, Tensor]:
        """Returns live and stored numbers (n, ...) that are equal but for rounding, on the CPU."""


class AllValues:
    """Every value as float16, in `NAME.npy`."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.file, self.shape = f"{name}.npy", shape

    @property
    def files(self) -> Files:
        """One array."""
        return {self.file: (self.shape, "<f2")}

    def packed(self, values: Tensor) -> Stored:
        """Returns the values."""
        return {self.file: _halved(values)}

    def unpacked(self, stored: Stored, device: torch.device) -> Tensor:
        """Returns the values."""
        return _tensor(stored[self.file]).to(device).float()

    def compared(self, values: Tensor, stored: Stored) -> tuple[Tensor, Tensor]:
        """Returns all of them."""
        return values.cpu(), _tensor(stored[self.file]).float()


class TopValues:
    """The `top` largest logits of each row with their places, and one logit for each of the other places.

    That one is the logarithm of the mean of exp(logit) over the others, so that the sum of all exp(logit), and with it
    the probabilities of the top places at T = 1, stay what they were; the rest of the probability is spread evenly.
    """

    def __init__(self, name: str, shape: tuple[int, ...], top: int) -> None:
        self.file, self.places, self.shape, self.top = f"{name}.top.npy", f"{name}.top-places.npy", shape, top

    @property
    def files(self) -> Files:
        """Two arrays: the top logits and last that of the others; the places of the top logits."""
        *before, width = self.shape
        return {
            self.file: ((*before, self.top + 1), "<f2"),
            self.places: ((*before, self.top), "<u2" if width <= 65_536 else "<u4"),
        }

    def packed(self, values: Tensor) -> Stored:
        """Returns the top logits and their places."""
        places = values.topk(self.top, dim=-1).indices
        dtype = self.files[self.places][1]
        return {self.file: _halved(self._kept(values, places)), self.places: places.cpu().numpy().astype(dtype)}

    def unpacked(self, stored: Stored, device: torch.device) -> Tensor:
        """Returns logits of all places."""
        values, places = _tensor(stored[self.file]).to(device).float(), _indices(stored[self.places]).to(device)
        others = values[..., -1:].expand(*values.shape[:-1], self.shape[-1])
        return others.scatter(-1, places, values[..., :-1])

    def compared(self, values: Tensor, stored: Stored) -> tuple[Tensor, Tensor]:
        """Returns the logits of the places that were the top ones, and that of the others.

        The places are taken as stored: of two equal logits either may have been the last to get in.
        """
        return self._kept(values.cpu(), _indices(stored[self.places])), _tensor(stored[self.file]).float()

    def _kept(self, values: Tensor, places: Tensor) -> Tensor:
        others = values.scatter(-1, places, NOT_IN_TOP).logsumexp(dim=-1, keepdim=True)
        return torch.cat([values.gather(-1, places), others - log(self.shape[-1] - self.top)], dim=-1)


def packings_of(outputs: Tensors, top: int | None) -> dict[str, Packing]:
    """Returns how each output is stored when the `top` largest values of its rows are wanted, or all.

    Args:
        outputs: for some samples, by name.
        top: None for all; outputs with rows no longer than that are stored whole.
    """
    shapes = {name: tuple(values.shape[1:]) for name, values in outputs.items()}
    return {
        name: AllValues(name, shape) if top is None or top >= shape[-1] else TopValues(name, shape, top)
        for name, shape in shapes.items()
    }


def _halved(values: Tensor) -> NDArray[np.float16]:
    largest = float(values.abs().max())
    if not largest < LARGEST:
        raise StageError(
            f"soft labels: expected the teacher's outputs to be finite and below 65,504, got {largest};"
            " train the teacher with a lower `teacher.training.learning_rate`"
        )
    halved: NDArray[np.float16] = values.half().cpu().numpy()
    return halved


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(array)


def _indices(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(array.astype(np.int64))
