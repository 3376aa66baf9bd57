"""Networks for sound: the front end, which is part of them, and small ones for pictures of frequency and time."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from params.audio.readers import SampleRate
from params.section import Section


class LogMel(Section):
    """Logarithm of the power in bands that are as wide as the ear hears: a Hann window, a Fourier transform, triangles.

    What librosa computes with `center=False` and the natural logarithm.
    """

    kind: Literal["log_mel"]
    sample_rate: SampleRate = 16_000
    """that of `data.reader`"""
    window_ms: float = Field(default=30.0, gt=0, le=1_000)
    """length of a frame"""
    hop_ms: float = Field(default=10.0, gt=0, le=1_000)
    """from the begin of a window to that of the next"""
    mels: int = Field(default=40, ge=1, le=512)
    """bands"""
    low_hz: float = Field(default=20.0, ge=0)
    """where the lowest band begins"""
    high_hz: float | None = Field(default=None, gt=0)
    """null for half the sample rate"""
    scale: Literal["htk", "slaney"] = "htk"
    """slaney: linear below 1 kHz, and each triangle has the same area, as librosa has it unless asked otherwise"""
    floor: float = Field(default=1e-6, gt=0)
    """of the power, so that silence has a logarithm"""

    @model_validator(mode="after")
    def _bands_rise(self) -> Self:
        if not self.low_hz < self.highest <= self.sample_rate / 2:
            raise ValueError(
                f"`low_hz` {self.low_hz:g} and `high_hz` {self.highest:g}: the second must be larger, and at most half"
                f" of `sample_rate` {self.sample_rate}"
            )
        return self

    @property
    def highest(self) -> float:
        """The upper end of the highest band in Hz."""
        return self.sample_rate / 2 if self.high_hz is None else self.high_hz

    @property
    def window(self) -> int:
        """Samples of a window."""
        return max(2, round(self.window_ms * self.sample_rate / 1_000))

    @property
    def hop(self) -> int:
        """Samples from one window to the next."""
        return max(1, round(self.hop_ms * self.sample_rate / 1_000))

    @property
    def fft(self) -> int:
        """Points of the Fourier transform: the next power of two."""
        return 1 << (self.window - 1).bit_length()

    @property
    def features(self) -> int:
        """Of each frame."""
        return self.mels


class Mfcc(LogMel):
    """Cosine transform of the logarithm of mel bands: what is smooth along them comes first."""

    kind: Literal["mfcc"]  # type: ignore[assignment]
    coefficients: int = Field(default=13, ge=1, le=512)
    """of each frame, from the first on"""

    @model_validator(mode="after")
    def _no_more_coefficients_than_bands(self) -> Self:
        if self.coefficients > self.mels:
            raise ValueError(f"`coefficients` {self.coefficients} are more than the {self.mels} `mels`")
        return self

    @property
    def features(self) -> int:
        """Of each frame."""
        return self.coefficients


FrontEnd = Annotated[LogMel | Mfcc, Field(discriminator="kind")]


class DsCnn(Section):
    """Depthwise separable convolutions (Zhang 2017, arXiv:1711.07128): 4 `blocks` of 64 `channels` are its DS-CNN S."""

    kind: Literal["ds_cnn"]
    channels: int = Field(default=64, ge=1, le=4096)
    """of every layer"""
    blocks: int = Field(default=4, ge=1, le=50)
    """depthwise separable ones behind the first layer"""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """of what the head reads, while it learns"""


class BcResNet(Section):
    """Broadcasted residuals (Kim 2021, arXiv:2106.04140): convolutions along time work on the mean over frequency.

    As published but for the norm, which is batch norm over whole channels instead of five bands of each.
    """

    kind: Literal["bc_resnet"]
    scale: float = Field(default=1.0, ge=0.25, le=16)
    """of all widths; 1, 2, 3, 6 and 8 were published"""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """of what the head reads, while it learns"""
