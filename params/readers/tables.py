"""Tables with one sample per row."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from params.section import LABEL, Names, ReaderSection, twice


def _for_all(value: Any) -> Any:
    return {ALL_COLUMNS: value} if isinstance(value, list | tuple) else value


ALL_COLUMNS = "*"
Gaps = Annotated[dict[str, Names], BeforeValidator(_for_all)]
"""column -> texts that mean a gap there; a list is short for those of all columns"""


class CsvReader(ReaderSection):
    """A CSV or Parquet file, and how a CSV file is written."""

    separator: str = Field(default=",", min_length=1, max_length=1)
    """the character between two cells"""
    encoding: str = "utf-8"
    """of the text"""
    decimal: Literal[".", ","] = "."
    """the sign before the fraction of a number"""
    thousands: Literal["", ",", ".", "'", " "] = ""
    """between groups of three digits"""

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(f"`decimal` and `thousands` are both `{self.decimal}`; a number cannot be read so")
        if self.separator in ('"', "\r", "\n"):
            raise ValueError("`separator` is a character between two columns, no quote and no end of a line")
        return self

    @model_validator(mode="after")
    def _encoding_is_known(self) -> Self:
        try:
            "a".encode(self.encoding)
        except (LookupError, ValueError):
            do = "name one that Python knows, such as `utf-8`, `windows-1252` or `utf-16`"
            raise ValueError(f"`encoding`: `{self.encoding}` is none; {do}") from None
        return self


class TableReader(CsvReader):
    """Rows of a CSV or Parquet file: numeric columns as they are, `categorical` ones as one column per value."""

    layout = "vector"
    kind: Literal["table"]
    label: str
    """the column of the label"""
    categorical: Names = ()
    """columns whose numbers are names"""
    ignore: Names = ()
    """columns that are left out"""
    missing: Literal["refuse", "drop", "impute"] = "refuse"
    """rows with a gap; impute: the median or the most frequent value of the training samples fills it"""
    indicators: Names | None = None
    """of `impute`: the columns of which a further feature says where there was a gap; unless said, those with gaps"""
    missing_values: Gaps = Field(default_factory=dict)
    """texts that mean a gap, beside the empty cell"""
    merge: dict[str, Names] = Field(default_factory=dict)
    """label -> other texts in the file that mean it"""

    @model_validator(mode="after")
    def _indicators_are_of_filled_gaps(self) -> Self:
        if self.indicators is not None and self.missing != "impute":
            raise ValueError("`indicators` goes with `missing: impute` alone")
        return self

    @model_validator(mode="after")
    def _labels_are_merged_once(self) -> Self:
        others = tuple(text for texts in self.merge.values() for text in texts)
        problems = twice("merge", others)
        problems += [f"`merge` has `{text}` on both sides" for text in self.merge if text in others]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """(features,)."""
        return (16,)

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """The column of the label, and how its file writes numbers."""
        return {LABEL: {"column": self.label, "written": (self.decimal, self.thousands)}}

    def gaps_of(self, column: str) -> tuple[str, ...]:
        """Returns the texts that mean a gap in a column, beside the empty cell."""
        return tuple(dict.fromkeys((*self.missing_values.get(ALL_COLUMNS, ()), *self.missing_values.get(column, ()))))
