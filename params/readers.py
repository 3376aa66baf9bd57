"""How the files of a source are read: one section per reader."""

import re
from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from params.audio.readers import AudioFolderReader, AudioTableReader, KaldiReader, SpeechCommandsReader
from params.pictures.boxes import BOXES as BOXES
from params.pictures.boxes import BoxTableReader, CocoBoxesReader, VocBoxesReader, YoloBoxesReader
from params.pictures.names import ImageNamesReader
from params.pictures.picture import LAST_LEVEL, CocoFiles, PictureReader, WholePictureReader
from params.section import LABEL as LABEL
from params.section import Layout as Layout
from params.section import Names, PositiveInts, ReaderSection, Section, twice


class PixelTableReader(ReaderSection):
    """One image per CSV row: the pixels, row by row, then the label."""

    layout = "image"
    sized = True
    kind: Literal["pixel_table"]
    file: str
    shape: PositiveInts
    """(channels, height, width)"""

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """As said."""
        return self.shape


class ImageFolderReader(WholePictureReader):
    """One folder per class; every image is converted and resized to `size`."""

    kind: Literal["image_folder"]
    splits: dict[Literal["train", "validation", "test"], str] = Field(default_factory=dict)
    """the folders of a published split, with the class folders in each; without `validation` it is cut from `train`"""
    ignore: Names = ()
    """folders that are no class, beside `unlabelled` and `unlabeled`, which never are"""

    @model_validator(mode="after")
    def _splits_are_folders_to_train_and_test_on(self) -> Self:
        folders = [*self.splits.values()]
        problems = [f"`splits` needs `{name}`" for name in ("train", "test") if folders and name not in self.splits]
        problems += [f"`splits` names `{one}`, which is no folder of the source" for one in folders if "/" in one]
        problems += twice("splits", tuple(folders))
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def published(self) -> bool:
        """Says whether there are folders of a split."""
        return bool(self.splits)


Folds = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False, min_length=1)]


class IdentityFolderReader(WholePictureReader):
    """One folder per identity; with `people` and `pairs`, the folds and pairs that its authors judge by, as of LFW."""

    task = "embedding"
    kind: Literal["identity_folder"]
    images: str = ""
    """the folder of those folders; all of the source unless said"""
    people: str = ""
    """the file that lists the identities of each fold, as `people.txt` of LFW, by its name in the source"""
    folds: dict[Literal["train", "validation", "test"], Folds] = Field(default_factory=dict)
    """the folds of each part of the split, from 1 on"""
    pairs: str = ""
    """the file that lists pairs to judge on, as `pairs.txt` of LFW: NAME, NUMBER, NUMBER or NAME, NUMBER, NAME, NUMBER,
    where a number is the one at the end of a file's name"""

    @property
    def published(self) -> bool:
        """Says whether there are folds."""
        return bool(self.folds)

    @model_validator(mode="after")
    def _folds_are_whole(self) -> Self:
        if bool(self.folds) != bool(self.people):
            raise ValueError("`folds` and `people`, which lists the identities of each, go together")
        if self.pairs and not self.people:
            raise ValueError("`pairs` needs `people` and `folds`: both pictures of a pair must be in one part")
        if missing := [part for part in ("train", "validation", "test") if self.folds and part not in self.folds]:
            raise ValueError(f"`folds` needs `{'` and `'.join(missing)}`")
        if problems := twice("folds", tuple(str(fold) for folds in self.folds.values() for fold in folds)):
            raise ValueError("; ".join(problems))
        return self


class Label(Section):
    """A column as it is; or, with `above`, a column of numbers as two classes."""

    column: str
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


class MaskFolders(Section):
    """Where the pictures of one part of a split are, and the masks of them; folders of the source."""

    images: str
    masks: str


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
    splits: dict[Literal["train", "validation", "test"], MaskFolders] = Field(default_factory=dict)
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
        if missing := [name for name in ("train", "test") if self.splits and name not in self.splits]:
            raise ValueError(f"`splits` needs `{'` and `'.join(missing)}`")
        folders = self.splits.values() or [MaskFolders(images=self.images, masks=self.masks)]
        if any(one.images == one.masks for one in folders) and self.image_suffix == self.mask_suffix:
            raise ValueError("pictures and masks have the same folder and name: say `masks` or `mask_suffix`")
        return self


class CocoMasksReader(MaskReader):
    """Image files and a COCO file, whose polygons and run lengths are drawn as masks; all else is background."""

    kind: Literal["coco_masks"]
    images: str = ""
    """the folder that `file_name` begins in; all of the source unless said"""
    annotations: str = ""
    """the COCO file, by its name in the source"""
    splits: dict[Literal["train", "validation", "test"], CocoFiles] = Field(default_factory=dict)
    """a file for each part of a published split, in place of `images` and `annotations`"""
    classes: Annotated[Names, Field(min_length=1)]
    """categories of the file; annotations of others are counted and left out"""
    rest: str = "background"
    """the name of what no annotation covers, number 0"""

    @property
    def names(self) -> tuple[str, ...]:
        """That of the rest, then the classes."""
        return (self.rest, *self.classes)

    @property
    def published(self) -> bool:
        """Says whether there are files of a split."""
        return bool(self.splits)

    @property
    def parts(self) -> dict[Literal["train", "validation", "test"] | None, CocoFiles]:
        """The files of each part; all together without a split."""
        whole = CocoFiles(images=self.images, annotations=self.annotations)
        return {part: files for part, files in self.splits.items()} or {None: whole}  # noqa: C416 - for the type

    @model_validator(mode="after")
    def _files_are_named(self) -> Self:
        if bool(self.splits) == bool(self.annotations):
            raise ValueError("give `annotations`, or `splits` with those of each part")
        if missing := [name for name in ("train", "test") if self.splits and name not in self.splits]:
            raise ValueError(f"`splits` needs `{'` and `'.join(missing)}`")
        if problems := twice("classes", self.names):
            raise ValueError("; ".join(problems))
        return self


TAKEN = ("id", LABEL)
"""columns that every table of samples has"""


HEAD_NAME = r"[A-Za-z0-9_.-]+"


def _unfit(head: str) -> str:
    return f"the head `{head}` names metrics: rename the column, with letters, digits, `_`, `-` and `.` alone"


def _both(column: str) -> str:
    return f"`{column}` is read as two classes in `heads`, so it cannot be one of `slices`"


class IdxFiles(Section):
    images: str
    labels: str


class IdxReader(ReaderSection):
    """Images and labels in the IDX format of MNIST, plain or gzipped, with the split their authors published."""

    layout = "image"
    kind: Literal["idx"]
    train: IdxFiles
    test: IdxFiles
    classes: Annotated[tuple[str, ...], Field(strict=False, min_length=2)]
    """label 0 is the first of them"""

    @model_validator(mode="after")
    def _classes_differ(self) -> Self:
        if problems := twice("classes", self.classes):
            raise ValueError("; ".join(problems))
        return self

    @property
    def published(self) -> bool:
        """Always."""
        return True

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """That of MNIST."""
        return (1, 28, 28)

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """The names of all labels, which are numbers in the file."""
        return {LABEL: {"names": self.classes, "numbered": True}}


class TimeSeriesReader(ReaderSection):
    """Sequences of unequal length in the `.ts` text format, with the split their authors published."""

    layout = "sequence"
    kind: Literal["time_series"]
    train: str
    test: str

    @property
    def published(self) -> bool:
        """Always."""
        return True

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """(frames, features)."""
        return (32, 16)


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


def _for_all(value: Any) -> Any:
    return {ALL_COLUMNS: value} if isinstance(value, list | tuple) else value


ALL_COLUMNS = "*"
Gaps = Annotated[dict[str, Names], BeforeValidator(_for_all)]
"""column -> texts that mean a gap there; a list is short for those of all columns"""


class CsvReader(ReaderSection):
    """A CSV or Parquet file, and how a CSV file is written."""

    separator: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
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
    categorical: Names = ()
    ignore: Names = ()
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


class SequenceTableReader(CsvReader):
    """Sequences in a table, with their labels and perhaps their split in columns."""

    layout = "sequence"
    label: str
    split: str | None = None
    """the column that says `train`, `validation` or `test`, where there is a split already"""
    ignore: Names = ()

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """The column of the label, and how its file writes numbers."""
        return {LABEL: {"column": self.label, "written": (self.decimal, self.thousands)}}

    @property
    def published(self) -> bool:
        """Says whether there is a column with the split."""
        return self.split is not None

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """(frames, features)."""
        return (32, 4)


class LongTableReader(SequenceTableReader):
    """One row per frame: all columns but those named here are its features."""

    kind: Literal["long_table"]
    sequence: str
    """the column that says which sequence a row is of"""
    order: str | None = None
    """the column with a number or a time that must rise within a sequence; it is no feature"""

    @property
    def named(self) -> dict[str, str]:
        """Field -> column, of the columns that are no features."""
        found = {"sequence": self.sequence, "order": self.order, "label": self.label, "split": self.split}
        return {field: column for field, column in found.items() if column is not None}


class WideTableReader(SequenceTableReader):
    """One row per sequence: all columns but those named here are its frames, in order."""

    kind: Literal["wide_table"]
    id: str | None = None
    """the column with the name of each sequence"""
    shape: PositiveInts | None = None
    """(frames, features) where a frame is several columns, one behind the other; else each column is a frame"""

    @model_validator(mode="after")
    def _shape_is_two_numbers(self) -> Self:
        if self.shape and len(self.shape) != 2:
            raise ValueError(f"`shape` needs two numbers, frames and features; got {len(self.shape)}")
        return self

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """(frames, features)."""
        return self.shape or (32, 1)

    @property
    def named(self) -> dict[str, str]:
        """Field -> column, of the columns that are no frames."""
        found = {"id": self.id, "label": self.label, "split": self.split}
        return {field: column for field, column in found.items() if column is not None}


class SequenceArrays(Section):
    """Names of arrays: in an `.npz`, `NAME`, or `FILE.npz:NAME` where there are several; of a file, `NAME.npy`."""

    inputs: str
    """(n, frames, features), or (n, frames) with one number per frame; or (frames of all, features), where the lengths
    say where the next sequence begins"""
    labels: str
    """(n,)"""
    lengths: str | None = None
    """(n,) frames that count; those behind them are padding, or the next sequence"""


class SequenceArraysReader(ReaderSection):
    """Sequences in numpy files: all together in `arrays`, or each part of a split in arrays of its own."""

    layout = "sequence"
    kind: Literal["sequence_arrays"]
    arrays: SequenceArrays | None = None
    train: SequenceArrays | None = None
    validation: SequenceArrays | None = None
    test: SequenceArrays | None = None

    @model_validator(mode="after")
    def _arrays_or_parts(self) -> Self:
        if (self.arrays is None) != bool(self.train and self.test) or (self.arrays and (self.train or self.test)):
            raise ValueError("give `arrays`, or `train` and `test` (and `validation`, if there is one)")
        if self.arrays and self.validation:
            raise ValueError("`validation` goes with `train` and `test`, not with `arrays`")
        return self

    @property
    def published(self) -> bool:
        """Says whether the parts of a split are there."""
        return self.arrays is None

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """(frames, features)."""
        return (32, 4)


Reader = Annotated[
    PixelTableReader
    | ImageFolderReader
    | IdentityFolderReader
    | ImageTableReader
    | ImageNamesReader
    | ImageMasksReader
    | CocoMasksReader
    | CocoBoxesReader
    | YoloBoxesReader
    | VocBoxesReader
    | BoxTableReader
    | IdxReader
    | TimeSeriesReader
    | FileBytesReader
    | TableReader
    | LongTableReader
    | WideTableReader
    | SequenceArraysReader
    | AudioFolderReader
    | AudioTableReader
    | KaldiReader
    | SpeechCommandsReader,
    Field(discriminator="kind"),
]
