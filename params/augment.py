"""Random changes to training samples: the same sample, seed and view always give the same change."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from params.section import Section, not_empty


class Flip(Section):
    """Mirrors a picture, each named direction with a chance of one half."""

    kind: Literal["flip"]
    horizontal: bool = True
    vertical: bool = False


class Dihedral(Section):
    """One of the eight symmetries of the square, each equally likely; for square pictures without an upright."""

    kind: Literal["dihedral"]


class Shift(Section):
    """Moves a picture by up to `pixels` up or down and left or right; what comes in is filled as `fill` says."""

    kind: Literal["shift"]
    pixels: int = Field(ge=1, le=1024)
    fill: Literal["edge", "mean"] = "edge"


class Crop(Section):
    """Cuts a window of at least `smallest` of each side at a random place and enlarges it to the old size."""

    kind: Literal["crop"]
    smallest: float = Field(gt=0, lt=1)


class Levels(Section):
    """Multiplies by a random gain and adds a random offset, for other exposures of the same picture."""

    kind: Literal["levels"]
    gain: float = Field(default=0.1, ge=0, lt=1)
    """largest part by which the contrast around the mean grows or shrinks"""
    offset: float = Field(default=0.1, ge=0, le=3)
    """in standard deviations of the channel"""


class Noise(Section):
    """Adds Gaussian noise to every value that is there."""

    kind: Literal["noise"]
    std: float = Field(gt=0, le=3)
    """in standard deviations of the channel or feature"""


class Erase(Section):
    """Fills a rectangle at a random place with the mean (random erasing, Zhong 2017, arXiv:1708.04896)."""

    kind: Literal["erase"]
    chance: float = Field(default=0.5, gt=0, le=1)
    largest: float = Field(default=0.5, gt=0, lt=1)
    """part of each side of the picture that the rectangle takes at most"""


Step = Annotated[Flip | Dihedral | Shift | Crop | Levels | Noise | Erase, Field(discriminator="kind")]


class Augment(Section):
    """Steps applied one after the other to each training sample; never to validation or test."""

    steps: Annotated[tuple[Step, ...], Field(strict=False), AfterValidator(not_empty)]
    views: int | None = Field(default=None, ge=1, le=100_000)
    """different changes of a sample before the first comes again; null for another one in every epoch. The teacher is
    asked once per view, so fewer views mean fewer soft labels"""
