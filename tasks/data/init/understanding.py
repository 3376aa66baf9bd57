"""What `init` understood of data: shown to a person before the recipe is written."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Understanding:
    """A recipe for data, and what it was made of.

    `headings` and `rows` are a table: of columns, or of classes. `notes` say what is left out and what that costs.
    """

    recipe: str
    """the text of `params/NAME.yaml`"""
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
