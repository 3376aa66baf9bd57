"""Pictures with lines of writing, drawn here."""

from typing import Literal

from pydantic import Field

from params.section import Section


class WritingSource(Section):
    """Synthetic pictures with lines of made-up words on made backgrounds, and masks of the lines; drawn from a seed."""

    kind: Literal["writing"]
    pictures: int = Field(default=400, ge=3, le=100_000)
    """that are made"""
    side: int = Field(default=96, ge=48, le=1024)
    """height and width in pixels"""
    most: int = Field(default=4, ge=1, le=20)
    """lines of a picture; it may have fewer, or none"""
    seed: int = Field(default=0, ge=0)
    """draws what is on them"""
    licence: str | None = None
    """of the data; releases name it"""
