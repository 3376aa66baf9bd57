"""Pictures whose names tell their labels."""

import re
from typing import Literal, Self

from pydantic import model_validator

from params.pictures.picture import WholePictureReader
from params.section import LABEL, Pattern


class ImageNamesReader(WholePictureReader):
    """Image files whose path tells the label, such as `25_1_0_2017.jpg` of a person of 25 years."""

    kind: Literal["image_names"]
    pattern: Pattern
    """with the group `(?P<label>...)`; other named groups are columns that results are looked at by"""

    @property
    def groups(self) -> tuple[str, ...]:
        """The named groups of `pattern`."""
        return tuple(re.compile(self.pattern).groupindex)

    @property
    def columns_kept(self) -> tuple[str, ...]:
        """What else the path tells."""
        return tuple(name for name in self.groups if name != LABEL)

    @model_validator(mode="after")
    def _groups_are_named(self) -> Self:
        if LABEL not in self.groups:
            raise ValueError(f"`pattern` says nowhere what the label is; write `(?P<{LABEL}>...)` around it")
        if "id" in self.groups:
            raise ValueError("`pattern` has a group `id`, which is the name of a sample; call it otherwise")
        return self
