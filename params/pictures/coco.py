"""Where the files of a COCO data set are, whatever is read from them."""

from typing import Self

from pydantic import Field, model_validator

from params.pictures.picture import PictureReader
from params.section import Part, Section, require_parts


class CocoFiles(Section):
    """Where the pictures of one part of a split are, and the COCO file that tells of them."""

    images: str
    """the folder that `file_name` begins in"""
    annotations: str
    """the COCO file, by its name in the source"""


class CocoReader(PictureReader):
    """Image files and a COCO file, or one of each part of a published split."""

    images: str = ""
    """the folder that `file_name` begins in; all of the source unless said"""
    annotations: str = ""
    """the COCO file, by its name in the source"""
    splits: dict[Part, CocoFiles] = Field(default_factory=dict)
    """a file for each part of a published split, in place of `images` and `annotations`"""

    @property
    def published(self) -> bool:
        """Says whether there are files of a split."""
        return bool(self.splits)

    @property
    def parts(self) -> dict[Part | None, CocoFiles]:
        """The files of each part; all together without a split."""
        whole = CocoFiles(images=self.images, annotations=self.annotations)
        return {part: files for part, files in self.splits.items()} or {None: whole}  # noqa: C416 - for the type

    @model_validator(mode="after")
    def _files_are_named(self) -> Self:
        if bool(self.splits) == bool(self.annotations):
            raise ValueError("give `annotations`, or `splits` with those of each part")
        require_parts(self.splits)
        return self
