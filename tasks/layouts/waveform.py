"""Sound: (samples,) of one channel between -1 and 1, all clips of one length."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from tasks.contracts.records import InputSpec
from tasks.layouts import INPUTS, Arrays, Values
from tasks.layouts.vector import VectorLayout

if TYPE_CHECKING:
    from torch import Tensor


class WaveformLayout(VectorLayout):
    """Clips without padding to tell apart: silence behind a short one is sound like any other."""

    axes: Mapping[str, Mapping[int, str]] = {INPUTS: {0: "batch"}}
    dtype: Literal["uint8", "float32"] = "float32"
    sound = True

    def features(self, shape: tuple[int, ...]) -> int:  # noqa: ARG002 - other forms look
        """Returns 1: all samples of a clip are of one channel."""
        return 1

    def in_words(self, spec: InputSpec) -> str:
        """Returns `clips of 16000 float32 samples`."""
        return f"clips of {spec.shape[0]} {spec.dtype} samples"

    def per_feature(self, features: int) -> tuple[int, ...]:
        """Returns (1,)."""
        return (features,)

    def flat(self, inputs: Arrays) -> Values:
        """Returns (samples, 1)."""
        return inputs[INPUTS].reshape(-1, 1)

    def summary(self, inputs: Arrays) -> Values:
        """Returns loudness and peak of each clip, and how often its sign changes, which rises with the pitch."""
        values = inputs[INPUTS]
        crossings = (np.signbit(values[:, 1:]) != np.signbit(values[:, :-1])).mean(axis=1)
        return np.stack([values.std(axis=1), np.abs(values).max(axis=1), crossings], axis=1)

    def pooled(self, features: "Tensor", *_further: "Tensor") -> "Tensor":
        """Returns the mean over time of (batch, channels, time)."""
        return features.mean(dim=2)


LAYOUT = WaveformLayout()
