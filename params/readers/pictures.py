"""Pictures that are of one label each: in folders, or as rows and blocks of pixels."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from params.pictures.picture import WholePictureReader
from params.section import LABEL, Names, PositiveInts, ReaderSection, Section, twice


class PixelTableReader(ReaderSection):
    """One image per CSV row: the pixels, row by row, then the label."""

    layout = "image"
    sized = True
    kind: Literal["pixel_table"]
    file: str
    """the CSV file, by its name in the source"""
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


class IdxFiles(Section):
    images: str
    """the file of the pictures"""
    labels: str
    """the file of the labels"""


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
