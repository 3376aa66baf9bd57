"""Log-mel spectra and MFCC as layers: whatever computes the network computes its features, too.

The Fourier transform is a convolution with windowed cosines and sines, so ONNX needs no operator for it. All constants
are computed in float64 from the recipe; they are no weights, and no file of weights holds them.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from params.audio.networks import LogMel, Mfcc
from tasks.core.errors import RecipeError, mismatch

Doubles = NDArray[np.float64]
LINEAR_HZ, LINEAR_STEP, LOG_STEP = 1_000.0, 200.0 / 3, np.log(6.4) / 27
"""of Slaney's scale: up to 1 kHz a mel is 200/3 Hz, from there on 27 mels are a factor of 6.4"""


class Spectrum(nn.Module):
    """Samples (batch, samples) as log-mel spectra (batch, mels, frames), or as MFCC."""

    kernels: Tensor
    bands: Tensor
    cosines: Tensor

    def __init__(self, params: LogMel | Mfcc) -> None:
        super().__init__()
        self.hop, self.floor = params.hop, params.floor
        self.cepstral = isinstance(params, Mfcc)
        self._hold("kernels", fourier_kernels(params))
        # The squares of cosines and sines are added up by the bands: each takes both.
        self._hold("bands", np.tile(mel_bands(params), 2))
        self._hold("cosines", cosine_transform(params.features, params.mels))

    def _hold(self, name: str, values: Doubles) -> None:
        self.register_buffer(name, torch.from_numpy(values.astype(np.float32)), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Returns (batch, features, frames), where a frame is a window that lies whole inside the clip."""
        waves = functional.conv1d(samples.unsqueeze(1), self.kernels.unsqueeze(1), stride=self.hop)
        spectra = torch.matmul(self.bands, waves * waves).clamp(min=self.floor).log()
        return torch.matmul(self.cosines, spectra) if self.cepstral else spectra


def frames_of(params: LogMel, samples: int) -> int:
    """Returns how many frames a clip gives.

    Raises:
        RecipeError: it is shorter than a window.
    """
    if samples < params.fft:
        expected = f"clips of at least {params.fft} samples, a window of the Fourier transform"
        do = "shorten `window_ms`, or raise `data.reader.seconds`"
        raise RecipeError([mismatch("recipe", "architecture.front_end", expected, f"{samples}", do)])
    return 1 + (samples - params.fft) // params.hop


def fourier_kernels(params: LogMel) -> Doubles:
    """Returns (2 x bins, fft): cosines, then sines, of each frequency bin under a Hann window in the middle."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(params.window) / params.window)
    before = (params.fft - params.window) // 2
    padded = np.pad(window, (before, params.fft - params.window - before))
    # The product is taken modulo the period first: the cosine of a small angle has all its digits.
    angles = 2 * np.pi * (np.outer(np.arange(params.fft // 2 + 1), np.arange(params.fft)) % params.fft) / params.fft
    return np.concatenate([np.cos(angles), np.sin(angles)]) * padded


def mel_bands(params: LogMel) -> Doubles:
    """Returns (mels, bins): triangles whose corners are equally far apart in mels.

    Raises:
        RecipeError: a band is so narrow that it holds no frequency bin.
    """
    slaney = params.scale == "slaney"
    bins = np.arange(params.fft // 2 + 1) * params.sample_rate / params.fft
    low_mel, high_mel = _mels(np.array([params.low_hz, params.highest]), slaney).tolist()
    corners = _hertz(np.linspace(low_mel, high_mel, params.mels + 2), slaney)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    bands = np.maximum(0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)))
    if empty := int((bands.max(axis=1) == 0).sum()):
        got, do = (
            f"{empty} of {params.mels} without one",
            "take fewer `mels`, a longer `window_ms` or a higher `low_hz`",
        )
        raise RecipeError([mismatch("recipe", "architecture.front_end.mels", "bands with a frequency bin", got, do)])
    return bands * (2 / (high - low)) if slaney else bands


def cosine_transform(coefficients: int, mels: int) -> Doubles:
    """Returns the first rows (coefficients, mels) of the orthonormal cosine transform of type 2."""
    angles = np.pi / mels * np.outer(np.arange(coefficients), np.arange(mels) + 0.5)
    cosines: Doubles = np.cos(angles) * np.sqrt(2 / mels)
    cosines[0] = np.sqrt(1 / mels)
    return cosines


def _mels(hertz: Doubles, slaney: bool) -> Doubles:
    if not slaney:
        return np.asarray(2595 * np.log10(1 + hertz / 700))
    linear, start = hertz / LINEAR_STEP, LINEAR_HZ / LINEAR_STEP
    return np.where(hertz < LINEAR_HZ, linear, start + np.log(np.maximum(hertz, 1) / LINEAR_HZ) / LOG_STEP)


def _hertz(mels: Doubles, slaney: bool) -> Doubles:
    if not slaney:
        return np.asarray(700 * (10 ** (mels / 2595) - 1))
    start = LINEAR_HZ / LINEAR_STEP
    return np.where(mels < start, mels * LINEAR_STEP, LINEAR_HZ * np.exp(LOG_STEP * (mels - start)))
