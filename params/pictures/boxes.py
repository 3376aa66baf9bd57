"""How pictures with boxes are read: COCO files, the texts of YOLO, the XML of Pascal VOC, or a table of boxes."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from params.pictures.coco import CocoReader
from params.pictures.picture import PictureReader
from params.section import Fraction, Names, Part, PositiveInts, Section, require_parts, twice

BOXES = "boxes"
"""the column of the target where each picture has any number of boxes"""
PICTURE = "picture"
"""the column that says which picture a tile is of"""
Strides = Annotated[tuple[Literal[4, 8, 16, 32, 64], ...], Field(strict=False, min_length=1)]


class Tiles(Section):
    """Large pictures are cut into tiles, each a sample; what a device answers to them is joined again."""

    size: PositiveInts
    """(height, width) in pixels of the picture; each tile becomes `size` of the reader"""
    overlap: int = Field(default=0, ge=0)
    """pixels, at least, that neighbours share: as many as the largest object has, so that one tile sees it whole"""
    visible: Fraction = 0.5
    """part of the area of a box that a tile must hold; a box of which it holds less counts nowhere there"""

    @model_validator(mode="after")
    def _tiles_advance(self) -> Self:
        if len(self.size) != 2:
            raise ValueError(f"`size` needs two numbers, height and width; got {len(self.size)}")
        if 2 * self.overlap > min(self.size):
            raise ValueError(f"`overlap` {self.overlap} is more than half of a tile of {min(self.size)} pixels")
        return self


class BoxReader(PictureReader):
    """Pictures with any number of boxes each, none among them.

    Boxes are in pixels of the upright picture. They are clipped to it, and dropped where less than a pixel of height or
    width is left; boxes without area, with corners in the wrong order, outside of the picture or there twice are
    dropped, too. The card of the data counts all of these, and names the pictures.
    """

    kind: str
    task = "detection"
    fit: Literal["pad", "stretch"] = "pad"
    """how a picture of other proportions becomes `size`: one scale for both sides, and `background` below or on the
    right; or a scale for each side, which changes the shape of objects"""
    classes: Names = ()
    """in this order; boxes of others are counted and left out. Empty: all that the source names, by the alphabet"""
    merge: dict[str, Names] = Field(default_factory=dict)
    """class -> other names in the files that mean it"""
    tile: Tiles | None = None
    strides: Strides = (8, 16)
    """pixels of the prepared picture per cell of each grid that answers, the finest first; a cell answers with boxes of
    up to 30 times its side, and things whose middles are closer than a cell may be taken for one"""
    least_score: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """from which on a box counts on a device, and for the metrics of one operating point, unless `evaluate.operate`
    finds another"""
    overlap: Annotated[float, Field(gt=0, lt=1)] = 0.6
    """intersection over union from which on two boxes of a class are one thing: the one with the lower score goes"""
    most: int = Field(default=100, ge=1, le=1000)
    """boxes of a picture, those with the highest scores"""

    @model_validator(mode="after")
    def _strides_rise(self) -> Self:
        if [*self.strides] != sorted(set(self.strides)):
            raise ValueError(f"`strides` needs different numbers, the smallest first; got {[*self.strides]}")
        return self

    @model_validator(mode="after")
    def _classes_differ(self) -> Self:
        others = tuple(name for names in self.merge.values() for name in names)
        problems = [*twice("classes", self.classes), *twice("merge", others)]
        problems += [f"`merge` has `{name}` on both sides" for name in self.merge if name in others]
        problems += [
            f"`classes` names `{name}`, which `merge` takes for another" for name in self.classes if name in others
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """All that is known of boxes; the names of their classes where the recipe says them."""
        facts = {"size": self.size, "strides": self.strides, "least_score": self.least_score, "overlap": self.overlap}
        cut = {"tiled": True} if self.tile else {}
        return {BOXES: {**({"names": self.classes} if self.classes else {}), **facts, "most": self.most, **cut}}

    @property
    def columns_kept(self) -> tuple[str, ...]:
        """The picture, where each is cut into several samples."""
        return (PICTURE,) if self.tile else ()

    @property
    def inseparable(self) -> str | None:
        """The picture, where each is cut into several samples."""
        return PICTURE if self.tile else None


class CocoBoxesReader(CocoReader, BoxReader):
    """Image files and a COCO file; crowds count nowhere."""

    kind: Literal["coco_boxes"]


class BoxFilesReader(BoxReader):
    """Image files with a file of boxes each, and perhaps a published split."""

    images: str = ""
    """the folder of the pictures; all of the source unless said"""
    splits: dict[Part, str] = Field(default_factory=dict)
    """the parts of a published split, each a folder below `images`, or a list of pictures: a file `.txt`, by its name
    in the source, with a name or path in each line"""

    @property
    def published(self) -> bool:
        """Says whether there are parts of a split."""
        return bool(self.splits)

    @model_validator(mode="after")
    def _parts_are_to_train_and_test_on(self) -> Self:
        require_parts(self.splits)
        if problems := twice("splits", tuple(self.splits.values())):
            raise ValueError("; ".join(problems))
        return self


class YoloBoxesReader(BoxFilesReader):
    """Image files with a text each, whose lines are the number of a class, the middle, width and height of a box.

    All are parts of the picture from 0 to 1. A line of more numbers is a polygon, and means the box around it. A
    picture without a text is one without boxes.
    """

    kind: Literal["yolo_boxes"]
    labels: str | None = None
    """the folder of the texts, which holds what `images` holds; unless said, the last folder `images` in the path of a
    picture becomes `labels`, and where there is none, the text lies beside the picture"""
    names: str | None = None
    """the file that names the classes, by its name in the source: a `data.yaml` with `names`, or a text with a name in
    each line. Without it number 0 is the first of `classes`"""

    @model_validator(mode="after")
    def _numbers_have_names(self) -> Self:
        if not self.names and not self.classes:
            raise ValueError("say in `names` which file names the classes, or name them in `classes`, number 0 first")
        return self


class VocBoxesReader(BoxFilesReader):
    """Image files with an XML file of Pascal VOC each; objects that are `difficult` count nowhere.

    The file belongs to the picture of its own name, or else to the one in its `<filename>`. What it says of the size of
    the picture is not used.
    """

    kind: Literal["voc_boxes"]
    annotations: str = ""
    """the folder of the XML files, which holds what `images` holds; all of the source unless said"""
    first_pixel: Literal[0, 1] = 1
    """1 as in Pascal VOC, where the first pixel has the number 1 and a box ends with the pixel `xmax`; 0 for programs
    that write the distances of the edges from the upper left corner"""


BoxColumns = Annotated[tuple[str, str, str, str], Field(strict=False)]


class BoxTableReader(BoxReader):
    """A CSV file with one row per box: the path of the picture, four numbers, and the class.

    A row without numbers and class is of a picture without boxes. A picture without a row is left out and counted.
    """

    kind: Literal["box_table"]
    table: str
    """by its name in the source"""
    separator: str = Field(default=",", min_length=1, max_length=1)
    """the character between two cells"""
    columns: Names = ()
    """their names, where the table has no header"""
    images: str | None = None
    """the folder that paths begin in; that of the table unless said"""
    path: str = "path"
    """the column with the paths of the pictures"""
    label: str = "label"
    """the column with the class of a box"""
    box: BoxColumns = ("x0", "y0", "x1", "y1")
    """the columns with the four numbers"""
    form: Literal["corners", "corner_size", "middle_size"] = "corners"
    """what they are: left, top, right, bottom; left, top, width, height; or the middle (x, y), width, height"""
    unit: Literal["pixels", "parts"] = "pixels"
    """pixels of the upright picture, or parts of its width and height from 0 to 1"""
    ignored: str | None = None
    """the column that says 1, `true` or `yes` of a box that counts nowhere"""
    split: str | None = None
    """the column that says `train`, `validation` (or `val`) or `test`"""

    @property
    def published(self) -> bool:
        """Says whether there is a column with the split."""
        return self.split is not None

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        named = tuple(name for name in (self.path, self.label, *self.box, self.ignored, self.split) if name)
        if problems := [*twice("columns", self.columns), *twice("box", named)]:
            raise ValueError("; ".join(problems))
        return self
