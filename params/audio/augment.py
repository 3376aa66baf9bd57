"""Random changes to clips of sound; the soft labels of a changed clip are stored, so all of them can be repeated."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from params.section import Section

ClipPart = Annotated[float, Field(gt=0, lt=1)]


class TimeShift(Section):
    """Moves a clip earlier or later; silence comes in."""

    kind: Literal["time_shift"]
    largest: ClipPart = 0.1
    """part of the clip by which it moves at most"""


class SpeedChange(Section):
    """Plays a clip faster and higher, or slower and deeper, so that few speakers sound like more (Ko et al. 2015,
    doi:10.21437/Interspeech.2015-711); its middle stays in place, and silence comes in.
    """

    kind: Literal["speed"]
    largest: float = Field(default=0.1, gt=0, le=0.5)
    """part by which the speed changes at most"""


class Gain(Section):
    """Makes a clip louder or less loud."""

    kind: Literal["gain"]
    lowest: float = Field(default=0.5, gt=0, le=10)
    """the smallest factor"""
    highest: float = Field(default=1.5, gt=0, le=10)
    """factors between which one is drawn"""

    @model_validator(mode="after")
    def _factors_rise(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"`lowest` {self.lowest:g} is more than `highest` {self.highest:g}")
        return self


class Background(Section):
    """Mixes in noise up to a loudness: such as is made, white to rumbling, or training clips of a label."""

    kind: Literal["background"]
    chance: float = Field(default=0.8, gt=0, le=1)
    """how likely a sample gets one"""
    loudest: float = Field(default=0.3, gt=0, le=3)
    """standard deviation of the noise at most, in those of all training samples"""
    label: str | None = None
    """whose training clips are the noise, such as `silence` of Speech Commands; made where it is absent"""


class TimeMask(Section):
    """A stretch of the clip is silent: SpecAugment (Park 2019, arXiv:1904.08779) for whatever the front end is."""

    kind: Literal["time_mask"]
    largest: ClipPart = 0.2
    """part of the clip at most"""


class BandMask(Section):
    """A band of frequencies is filtered out: the other half of SpecAugment."""

    kind: Literal["band_mask"]
    largest: ClipPart = 0.2
    """part of all frequencies at most"""


SoundStep = TimeShift | SpeedChange | Gain | Background | TimeMask | BandMask
