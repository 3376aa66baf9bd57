"""Files of any type, as bytes."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from params.section import LABEL, ReaderSection, twice

Suffix = Annotated[str, Field(pattern=r"^[a-z0-9_+-]+$")]
Suffixes = Annotated[tuple[Suffix, ...], Field(strict=False, min_length=1)]


class FileBytesReader(ReaderSection):
    """Any files, as the bytes at their beginning and end: 0 to 255, and 256 where a file is shorter.

    White space at both ends does not count.
    """

    layout = "vector"
    sized = True
    kind: Literal["file_bytes"]
    types: Annotated[dict[str, Suffixes], Field(min_length=2)]
    """label -> suffixes of the files that have it, without the dot; other files are left out"""
    first: int = Field(default=1024, ge=1, lt=4096)
    """bytes of the beginning"""
    last: int = Field(default=1024, ge=0, lt=4096)
    """bytes of the end"""
    at_most: int | None = Field(default=None, ge=1)
    """files of a type, chosen by their names; null for all"""

    @model_validator(mode="after")
    def _a_suffix_means_one_type(self) -> Self:
        problems = twice("types", tuple(suffix for suffixes in self.types.values() for suffix in suffixes))
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """(bytes,)."""
        return (self.first + self.last,)

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """The names of all types."""
        return {LABEL: {"names": tuple(self.types)}}
