"""What the names in a folder of pictures tell: the labels, a published split, and what is left out."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from params.readers import ImageFolderReader
from tasks.core.errors import DataError, mismatch, printable
from tasks.data.readers.image_folder import ASTRAY, FilePlace, place_of
from tasks.data.readers.picture import is_picture
from tasks.data.sources.own import own_files

PARTS: dict[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""part of a published split -> names of its folder, in any case"""
WHOLE = ""
"""stands for the part where there is no published split"""


@dataclass
class PictureTree:
    """The pictures of a folder by label and part, and what is left out."""

    folder: Path
    splits: dict[str, str] = field(default_factory=dict)
    """part -> its folder, as in the recipe; empty where there is no published split"""
    unused: tuple[str, ...] = ()
    """folders of a part that hold no class folders"""
    pictures: dict[str, dict[str, list[Path]]] = field(default_factory=dict)
    """label -> part -> pictures"""
    left_out: Counter[str] = field(default_factory=Counter)
    """reason -> files"""
    no_pictures: Counter[str] = field(default_factory=Counter)
    """label -> files in its folders that are no picture, by their name"""
    astray: list[str] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        """In the order of the alphabet."""
        return sorted(self.pictures)

    @property
    def of_folders(self) -> list[str]:
        """Labels whose folder holds folders, where there is no published split: perhaps those are what is meant."""
        labels = () if self.splits else self.labels
        return [label for label in labels if any(path.is_dir() for path in (self.folder / label).glob("*"))]

    def of_label(self, label: str) -> list[Path]:
        """Returns the pictures of a label in all parts."""
        return [path for paths in self.pictures[label].values() for path in paths]


def picture_tree(folder: Path) -> PictureTree:
    """Returns what is in a folder; looks at names alone.

    Raises:
        DataError: something in it cannot be read; folders that look like a split and are none that can be used.
    """
    files = [(name, path, path.is_dir()) for name, path in own_files(folder)]
    tree = _split_of(folder, [(name, is_folder) for name, _, is_folder in files])
    reader = ImageFolderReader.model_validate({"kind": "image_folder", "size": [1, 1], "splits": tree.splits})
    for name, path, is_folder in files:
        # An empty folder counts by what could be in it.
        _take(tree, name, path if not is_folder else None, place_of(f"{name}/." if is_folder else name, reader))
    return tree


def _take(tree: PictureTree, name: str, path: Path | None, place: FilePlace) -> None:
    if place.label:
        tree.pictures.setdefault(place.label, defaultdict(list))
    if path is None:
        return
    if place.left_out == ASTRAY:
        tree.astray.append(name)
    elif place.left_out:
        tree.left_out[place.left_out] += 1
        tree.no_pictures[place.label] += 1
    else:
        tree.pictures[place.label][place.part or WHOLE].append(path)


def _split_of(folder: Path, names: list[tuple[str, bool]]) -> PictureTree:
    """Returns a tree that knows its split, and no pictures yet."""
    tops = [name for name, is_folder in names if is_folder and "/" not in name]
    found = {part: [top for top in tops if top.casefold() in words] for part, words in PARTS.items()}
    found = {part: folders for part, folders in found.items() if folders}
    if len(found) < 2:
        return PictureTree(folder)
    if several := [folders for folders in found.values() if len(folders) > 1]:
        got = " and ".join(f"`{one}`" for one in several[0])
        raise DataError(_mismatch(folder, "one folder for each part of a split", got, "merge them or rename one"))
    with_labels = {name.split("/")[0] for name, is_folder in names if is_folder and name.count("/") == 1}
    splits: dict[str, str] = {part: one for part, (one,) in found.items() if one in with_labels}
    unused = tuple(one for (one,) in found.values() if one not in with_labels)
    return PictureTree(folder, _usable(folder, splits, [one for (one,) in found.values()], names), unused)


def _usable(folder: Path, splits: dict[str, str], all_of: list[str], names: list[tuple[str, bool]]) -> dict[str, str]:
    """Returns the parts to train and to judge on; where nothing else judges, the folder for validation does."""
    if "train" in splits and "test" in splits:
        return splits
    if "train" in splits and "validation" in splits:
        return {"train": splits["train"], "test": splits["validation"]}
    shown = ", ".join(f"`{one}`" for one in all_of)
    if "train" not in splits:
        some = [name for name, is_folder in names if not is_folder and is_picture(name)][:1]
        got = f"{shown} without class folders to train on" + (f", with `{printable(some[0])}`" if some else "")
        do = "sort the pictures into one folder per class in each of them"
    else:
        got, do = f"class folders in `{splits['train']}` alone", f"give `{folder / splits['train']}` alone"
    raise DataError(_mismatch(folder, "a split with one folder per class in `train` and in another part", got, do))


def _mismatch(folder: Path, expected: str, got: str, do: str) -> str:
    return mismatch(printable(str(folder)), "", expected, got, do)
