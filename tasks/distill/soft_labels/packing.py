"""How logits are kept: all of them, or the largest ones of each row. Arrays of float16, and of classes.

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

Stored = Mapping[str, NDArray[Any]]
"""file name -> rows (n, ..., numbers)"""
LOGITS, TOP, TOP_CLASSES = "logits.npy", "top.npy", "top-classes.npy"
LARGEST_LOGIT = 65_504.0
"""of float16"""
NOT_IN_TOP = float("-inf")


class Packing(Protocol):
    """One way to keep logits."""

    @property
    def files(self) -> Mapping[str, tuple[int, str]]:
        """File name -> numbers per row and their type, as NumPy writes it."""

    def packed(self, logits: Tensor) -> Stored:
        """Returns what is written for logits (n, ..., outputs).

        Raises:
            StageError: they are not finite, or too large for float16.
        """

    def unpacked(self, stored: Stored, device: torch.device) -> Tensor:
        """Returns logits (n, ..., outputs) in float32."""

    def compared(self, logits: Tensor, stored: Stored) -> tuple[Tensor, Tensor]:
        """Returns live and stored numbers (n, ..., numbers) that are equal but for rounding, on the CPU."""


class AllLogits:
    """Every logit as float16."""

    def __init__(self, outputs: int) -> None:
        self.outputs = outputs

    @property
    def files(self) -> Mapping[str, tuple[int, str]]:
        """One array."""
        return {LOGITS: (self.outputs, "<f2")}

    def packed(self, logits: Tensor) -> Stored:
        """Returns the logits."""
        return {LOGITS: _halved(logits)}

    def unpacked(self, stored: Stored, device: torch.device) -> Tensor:
        """Returns the logits."""
        return _tensor(stored[LOGITS]).to(device).float()

    def compared(self, logits: Tensor, stored: Stored) -> tuple[Tensor, Tensor]:
        """Returns all of them."""
        return logits.cpu(), _tensor(stored[LOGITS]).float()


class TopLogits:
    """The `top` largest logits of each row with their classes, and one logit for each of the other classes.

    That one is the logarithm of the mean of exp(logit) over the others, so that the sum of all exp(logit), and with it
    the probabilities of the top classes at T = 1, stay what they were; the rest of the probability is spread evenly.
    """

    def __init__(self, outputs: int, top: int) -> None:
        self.outputs, self.top = outputs, top

    @property
    def files(self) -> Mapping[str, tuple[int, str]]:
        """Two arrays: logits of the top classes and last that of the others; the top classes."""
        return {
            TOP: (self.top + 1, "<f2"),
            TOP_CLASSES: (self.top, "<u2" if self.outputs <= 65_536 else "<u4"),
        }

    def packed(self, logits: Tensor) -> Stored:
        """Returns the top logits and their classes."""
        classes = logits.topk(self.top, dim=-1).indices
        dtype = self.files[TOP_CLASSES][1]
        return {TOP: _halved(self._kept(logits, classes)), TOP_CLASSES: classes.cpu().numpy().astype(dtype)}

    def unpacked(self, stored: Stored, device: torch.device) -> Tensor:
        """Returns logits of all classes."""
        kept, classes = _tensor(stored[TOP]).to(device).float(), _indices(stored[TOP_CLASSES]).to(device)
        others = kept[..., -1:].expand(*kept.shape[:-1], self.outputs)
        return others.scatter(-1, classes, kept[..., :-1])

    def compared(self, logits: Tensor, stored: Stored) -> tuple[Tensor, Tensor]:
        """Returns the logits of the classes that were the top ones, and that of the others.

        The classes are taken as stored: of two equal logits either may have been the last to get in.
        """
        return self._kept(logits.cpu(), _indices(stored[TOP_CLASSES])), _tensor(stored[TOP]).float()

    def _kept(self, logits: Tensor, classes: Tensor) -> Tensor:
        others = logits.scatter(-1, classes, NOT_IN_TOP).logsumexp(dim=-1, keepdim=True)
        return torch.cat([logits.gather(-1, classes), others - log(self.outputs - self.top)], dim=-1)


def packing_of(outputs: int, top: int | None) -> Packing:
    """Returns how rows of `outputs` logits are kept when the `top` largest are wanted, or all."""
    return AllLogits(outputs) if top is None or top >= outputs else TopLogits(outputs, top)


def _halved(logits: Tensor) -> NDArray[np.float16]:
    largest = float(logits.abs().max())
    if not largest < LARGEST_LOGIT:
        raise StageError(
            f"soft labels: expected the teacher's logits to be finite and below 65,504, got {largest};"
            " train the teacher with a lower `teacher.training.learning_rate`"
        )
    halved: NDArray[np.float16] = logits.half().cpu().numpy()
    return halved


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(array)


def _indices(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(array.astype(np.int64))
