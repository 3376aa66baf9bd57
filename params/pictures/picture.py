"""What every reader of pictures has in common."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from params.section import PositiveInts, ReaderSection

LAST_LEVEL = 65_535
"""of 16 bits"""
Levels = Annotated[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1, le=LAST_LEVEL)]], Field(strict=False)]


class PictureReader(ReaderSection):
    """Image files, each converted and resized to `size`."""

    layout = "image"
    sized = True
    size: PositiveInts
    """(height, width) in pixels"""
    channels: Literal[1, 3, 4] = 3
    """1 grey, 3 colour, 4 colour and alpha"""
    levels: Levels | None = None
    """first and last value of 16-bit pixels, which become 0 and 255; else all 65,536 of them share the 256"""
    background: Annotated[int, Field(ge=0, le=255)] | None = None
    """grey level under transparent pixels where there are less than 4 channels; else 255, white"""

    @model_validator(mode="after")
    def _levels_rise(self) -> Self:
        if self.levels and self.levels[0] >= self.levels[1]:
            raise ValueError(f"`levels` needs two numbers, the smaller one first; got {[*self.levels]}")
        return self

    @model_validator(mode="after")
    def _size_is_two_numbers(self) -> Self:
        if len(self.size) != 2:
            raise ValueError(f"`size` needs two numbers, height and width; got {len(self.size)}")
        return self

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """As said."""
        return (self.channels, *self.size)


class WholePictureReader(PictureReader):
    """Whose targets belong to a picture as a whole, so that its margins may be cut off."""

    centre_crop: Annotated[float, Field(gt=0, le=1)] = 1.0
    """share of the height and of the width that is kept, in the middle; on the device too"""
