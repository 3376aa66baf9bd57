"""A table that says where pictures are, and what is known of each."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from params.pictures.picture import WholePictureReader
from params.section import LABEL, Names, Section, twice

TAKEN = ("id", LABEL)
"""columns that every table of samples has"""


HEAD_NAME = r"[A-Za-z0-9_.-]+"


class Label(Section):
    """A column as it is; or, with `above`, a column of numbers as two classes."""

    column: str
    """that tells the label"""
    above: float | None = None
    """numbers above this are of the second class, all others of the first"""
    names: Names = ()
    """of the two classes"""

    @model_validator(mode="after")
    def _names_go_with_above(self) -> Self:
        if len(set(self.names)) != (0 if self.above is None else 2) or len(self.names) > 2:
            raise ValueError("`above` needs two different `names`, the one of the numbers up to it first")
        return self


def _as_section(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


ColumnLabel = Annotated[Label, BeforeValidator(_as_section)]
"""`label: cell` is short for `label: {column: cell}`"""


class ImageTableReader(WholePictureReader):
    """A CSV file with one row per image file: where it is, its labels, and what else is known of it."""

    kind: Literal["image_table"]
    table: str
    """by its name in the source"""
    separator: str = Field(default=",", min_length=1)
    """one character, or `whitespace` for any run of it"""
    columns: Names = ()
    """their names, where the table has no header"""
    image: str
    """the column with the path of the image, relative to the table"""
    label: ColumnLabel
    heads: Annotated[tuple[ColumnLabel, ...], Field(strict=False)] = ()
    """further labels: the network learns to tell them, too"""
    slices: Names = ()
    """columns to look at results by; stored beside the label, never learned"""

    @model_validator(mode="after")
    def _columns_are_apart(self) -> Self:
        heads = tuple(head.column for head in self.heads)
        problems = [*twice("columns", self.columns), *twice("heads", heads), *twice("slices", self.slices)]
        problems += [f"`{name}` is taken; rename the column" for name in self.columns_kept if name in TAKEN]
        problems += [_unfit(name) for name in heads if not re.fullmatch(HEAD_NAME, name)]
        problems += [_both(head.column) for head in self.heads if head.names and head.column in self.slices]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _separator_is_one_character(self) -> Self:
        if self.separator != "whitespace" and len(self.separator) > 1:
            raise ValueError("`separator` is one character, or `whitespace`")
        return self

    @property
    def columns_kept(self) -> tuple[str, ...]:
        """Heads and slices; a column may be both."""
        return tuple(dict.fromkeys((*(head.column for head in self.heads), *self.slices)))

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """The label and the heads, each with its column in the file."""
        return {LABEL: self.label.model_dump()} | {head.column: head.model_dump() for head in self.heads}


def _unfit(head: str) -> str:
    return f"the head `{head}` names metrics: rename the column, with letters, digits, `_`, `-` and `.` alone"


def _both(column: str) -> str:
    return f"`{column}` is read as two classes in `heads`, so it cannot be one of `slices`"
