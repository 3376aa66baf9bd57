"""Pictures with a mask each."""

from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from params.pictures.coco import CocoReader
from params.pictures.picture import LAST_LEVEL, PictureReader
from params.section import Names, Part, Section, require_parts, twice


class MaskFolders(Section):
    """Where the pictures of one part of a split are, and the masks of them; folders of the source."""

    images: str
    """the folder of the pictures"""
    masks: str
    """the folder of the masks"""


MaskValue = Annotated[int, Field(ge=0, le=LAST_LEVEL)] | Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


def _as_values(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


MaskValues = Annotated[
    tuple[MaskValue, ...],
    Field(strict=False, min_length=1),
    BeforeValidator(_as_values, json_schema_input_type=MaskValue | tuple[MaskValue, ...]),
]
"""values of pixels: numbers, or colours such as `#804080`; one alone is short for a list of it"""
MASK = "mask"
"""the column of the target where each pixel has one"""
MOST_IN_A_MASK = 255
"""what a pixel can be; one more value of a byte means none of them"""


class MaskReader(PictureReader):
    """Pictures with a mask each, whose pixels say what is seen there; a mask has the size of its picture."""

    task = "segmentation"
    weights: dict[str, Annotated[float, Field(ge=0, le=1000)]] = Field(default_factory=dict)
    """how much more than a pixel of others a pixel of a class weighs in the hard loss; 1 where nothing is said"""
    boundary: Annotated[float, Field(ge=0, le=100)] = 0.0
    """how much more a pixel weighs there that has a neighbour of another class"""

    @property
    def names(self) -> tuple[str, ...]:
        """What the pixels can be, number 0 first."""
        raise NotImplementedError

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """All that is known of a mask."""
        facts = {"names": self.names, "size": self.size, "weights": self.weights, "boundary": self.boundary}
        return {MASK: facts}

    @model_validator(mode="after")
    def _weights_are_of_classes(self) -> Self:
        if unknown := [name for name in self.weights if name not in self.names]:
            raise ValueError(f"`weights` names {', '.join(f'`{name}`' for name in unknown)}, which `classes` does not")
        if not 2 <= len(self.names) <= MOST_IN_A_MASK:
            raise ValueError(f"`classes` needs 2 to {MOST_IN_A_MASK} of them; got {len(self.names)}")
        return self


class ImageMasksReader(MaskReader):
    """Image files with a mask of the same name each, in another folder or with another end of the name."""

    kind: Literal["image_masks"]
    images: str = ""
    """the folder of the pictures; all of the source unless said"""
    masks: str = ""
    """the folder of the masks; all of the source unless said"""
    splits: dict[Part, MaskFolders] = Field(default_factory=dict)
    """the folders of a published split, in place of `images` and `masks`; `validation` may be cut from `train`"""
    image_suffix: str = ""
    """what the name of a picture has more than that of its mask, before the extension: `_leftImg8bit`"""
    mask_suffix: str = ""
    """what the name of a mask has more than that of its picture, before the extension: `_gtFine_labelIds`"""
    classes: dict[str, MaskValues]
    """name -> the values of its pixels in the masks, or their colours"""
    ignore: Annotated[tuple[MaskValue, ...], Field(strict=False)] = ()
    """values of pixels that are none of them, and count nowhere"""

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the recipe."""
        return tuple(self.classes)

    @property
    def published(self) -> bool:
        """Says whether there are folders of a split."""
        return bool(self.splits)

    @property
    def coloured(self) -> bool:
        """Says whether the values are colours."""
        return any(isinstance(value, str) for values in (*self.classes.values(), self.ignore) for value in values)

    @model_validator(mode="after")
    def _values_are_said_once(self) -> Self:
        values = [str(value).lower() for some in (*self.classes.values(), self.ignore) for value in some]
        problems = [f"value {value} is said twice" for value, count in Counter(values).items() if count > 1]
        kinds = {isinstance(value, str) for some in (*self.classes.values(), self.ignore) for value in some}
        problems += ["`classes` and `ignore` mix numbers and colours; take one of them"] if len(kinds) > 1 else []
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _masks_are_apart(self) -> Self:
        if self.splits and (self.images or self.masks):
            raise ValueError("`images` and `masks` go without `splits`, which names them for each part")
        require_parts(self.splits)
        folders = self.splits.values() or [MaskFolders(images=self.images, masks=self.masks)]
        if any(one.images == one.masks for one in folders) and self.image_suffix == self.mask_suffix:
            raise ValueError("pictures and masks have the same folder and name: say `masks` or `mask_suffix`")
        return self


class CocoMasksReader(CocoReader, MaskReader):
    """Image files and a COCO file, whose polygons and run lengths are drawn as masks; all else is background."""

    kind: Literal["coco_masks"]
    classes: Annotated[Names, Field(min_length=1)]
    """categories of the file; annotations of others are counted and left out"""
    rest: str = "background"
    """the name of what no annotation covers, number 0"""

    @property
    def names(self) -> tuple[str, ...]:
        """That of the rest, then the classes."""
        return (self.rest, *self.classes)

    @model_validator(mode="after")
    def _classes_differ(self) -> Self:
        if problems := twice("classes", self.names):
            raise ValueError("; ".join(problems))
        return self
