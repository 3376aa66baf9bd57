"""Sequences: (frames, features), shorter ones padded with zeros; `lengths` (batch,) int64 says where padding begins."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.records import InputSpec
from tasks.layouts import INPUTS, Arrays, Draw, Values

if TYPE_CHECKING:
    from torch import Tensor

LENGTHS = "lengths"


class SequenceLayout:
    """Sequences of unequal lengths."""

    further: tuple[str, ...] = (LENGTHS,)
    axes: Mapping[str, Mapping[int, str]] = {INPUTS: {0: "batch", 1: "frames"}, LENGTHS: {0: "batch"}}
    dtype: Literal["uint8", "float32"] = "float32"
    spatial = False
    sound = False
    ragged = True
    traced = True
    """with LSTM and GRU, torch.export can freeze the frames and report success (torch 2.13)"""

    def features(self, shape: tuple[int, ...]) -> int:
        """Returns the number of features of a frame."""
        return shape[1]

    def in_words(self, spec: InputSpec) -> str:
        """Returns `sequences of 12 float32 features`."""
        return f"sequences of {spec.shape[1]} {spec.dtype} features"

    def per_feature(self, features: int) -> tuple[int, ...]:
        """Returns (features,)."""
        return (features,)

    def full(self, values: Values) -> dict[str, Values]:
        """Returns the values, and lengths of all frames."""
        return {INPUTS: values, LENGTHS: np.full(len(values), values.shape[1], np.int64)}

    def drawn(self, spec: InputSpec, batch: int, draw: Draw) -> dict[str, Values]:
        """Returns one sequence of half the frames, or several of all frames, each a third shorter than the one before.

        What is behind the end of a sequence is zero.
        """
        frames = -(-spec.shape[0] // (2 if batch == 1 else 1))
        values = draw((batch, frames, *spec.shape[1:]))
        lengths = np.maximum(1, frames - np.arange(batch) * (frames // 3)).astype(np.int64)
        values[~frame_mask(frames, lengths)] = 0
        return {INPUTS: values, LENGTHS: lengths}

    def two_shapes(self, inputs: Arrays) -> tuple[dict[str, Values], dict[str, Values]]:
        """Returns half of the first sequence alone, and the same half padded to the full length among the others."""
        values, lengths = inputs[INPUTS].copy(), inputs[LENGTHS].copy()
        lengths[0] = half = -(-values.shape[1] // 2)
        values[0, half:] = 0
        return {INPUTS: values[:1, :half], LENGTHS: lengths[:1]}, {INPUTS: values, LENGTHS: lengths}

    def mask(self, inputs: Arrays) -> Values | None:
        """Returns (n, frames, 1) whether a frame is no padding."""
        return frame_mask(inputs[INPUTS].shape[1], inputs[LENGTHS])[:, :, None]

    def flat(self, inputs: Arrays) -> Values:
        """Returns (frames, features)."""
        values = inputs[INPUTS]
        flat: Values = values[frame_mask(values.shape[1], inputs[LENGTHS])]
        return flat

    def summary(self, inputs: Arrays) -> Values:
        """Returns the mean of each feature over the frames."""
        means: Values = inputs[INPUTS].sum(axis=1) / inputs[LENGTHS][:, None]  # padding is zeros
        return means

    def samples(self, inputs: Arrays) -> Iterator[Values]:
        """Yields the frames of each sequence before its padding."""
        for values, length in zip(inputs[INPUTS], inputs[LENGTHS], strict=True):
            yield values[:length]

    def pooled(self, features: "Tensor", *further: "Tensor") -> "Tensor":
        """Returns the mean over the frames that are no padding."""
        return mean_over_frames(features, *further)

    def step_mask(self, steps: int, *further: "Tensor") -> "Tensor | None":
        """Returns which frames are no padding."""
        return step_mask(steps, *further)

    def channels_first(self, output: "Tensor", inputs: "Mapping[str, Tensor]") -> "tuple[Tensor, Tensor | None] | None":
        """Returns (batch, hidden, frames) of (batch, frames, hidden) with all frames, and their mask."""
        if output.ndim == 2:
            return output, None
        if output.ndim != 3 or output.shape[1] != inputs[INPUTS].shape[1]:
            return None
        return output.transpose(1, 2), step_mask(output.shape[1], inputs[LENGTHS]).float()


def frame_mask(frames: int, lengths: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Returns (n, frames) whether a frame is no padding."""
    mask: NDArray[np.bool_] = np.arange(frames) < lengths[:, None]
    return mask


def step_mask(frames: int, lengths: "Tensor") -> "Tensor":
    """Returns the same of tensors."""
    import torch

    return torch.arange(frames, device=lengths.device).unsqueeze(0) < lengths.unsqueeze(1)


def mean_over_frames(frames: "Tensor", lengths: "Tensor") -> "Tensor":
    """Returns the mean (batch, hidden) of frames (batch, time, hidden) over the first `lengths` of each sequence."""
    mask = step_mask(frames.shape[1], lengths).to(frames.dtype)
    total = (frames * mask.unsqueeze(2)).sum(dim=1)
    return total / lengths.to(frames.dtype).unsqueeze(1)


LAYOUT = SequenceLayout()
