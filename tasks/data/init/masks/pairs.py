"""Which pictures and masks of two folders belong together, by the suffixes that find most pairs; and which do not."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from params.readers import MaskFolders
from tasks.core.errors import DataError, mismatch, printable
from tasks.data.readers.image_masks.pairs import ByKey, apart
from tasks.data.readers.picture import is_picture, picture_size
from tasks.data.sources.own import own_files
from tasks.runtime.preprocess.picture_format import UnreadablePictureError

SUFFIXES = ("", "_mask", "_masks", "_label", "_labels", "_gt", "_seg", "_segmentation", "-mask", "_gtFine_labelIds")
OF_PICTURES = ("", "_leftImg8bit", "_image", "_img", "_rgb")
PARTS = {"train": ("train", "training"), "validation": ("val", "valid", "validation"), "test": ("test", "testing")}
LEAST = 3
HEADERS = 2_000
"""pairs whose sizes are compared, spread over all"""
SHOWN = 3
STOPS = "the run stops at them, or leaves them out (`arrivals`)"
Size = tuple[int, int]


@dataclass(frozen=True)
class PairedFolders:
    """What two folders hold.

    Attributes:
        masks: those of the pairs.
        sizes: (height, width) of some of their pictures.
        image_suffix: what the names of pictures have more.
        mask_suffix: what the names of masks have more.
        splits: folders of a published split, where there is one.
        problems: what cannot be used or is left out, in words.
    """

    masks: list[Path]
    sizes: list[Size]
    image_suffix: str
    mask_suffix: str
    splits: Mapping[str, MaskFolders]
    problems: tuple[str, ...]


def common_folder(images: Path, masks: Path) -> Path:
    """Returns the folder that both are in."""
    return Path(os.path.commonpath([_place(images), _place(masks)]))


def below(folder: Path, root: Path) -> str:
    """Returns the path of a folder in another one; empty for itself."""
    found = _place(folder).relative_to(_place(root)).as_posix()
    return "" if found == "." else found


def _place(path: Path) -> Path:
    """Returns an absolute path without `..`, which no name in a source has."""
    return Path(os.path.normpath(path.expanduser().absolute()))


def paired(images: Path, masks: Path, root: Path) -> PairedFolders:
    """Returns the pairs by those suffixes that find most of them.

    Raises:
        DataError: hardly any, or none of them can be used.
    """
    folders = MaskFolders(images=below(images, root), masks=below(masks, root))
    paths = {**_files(images, folders.images), **_files(masks, folders.masks)}
    image_suffix, mask_suffix = _suffixes([*paths], folders)
    ours, theirs = apart(folders, image_suffix, mask_suffix, [*paths])
    keys = sorted(key for key in ours.keys() & theirs.keys() if len(ours[key]) == len(theirs[key]) == 1)
    if len(keys) < LEAST:
        got = f"{len(keys)} of {len(ours)} pictures and {len(theirs)} masks"
        do = "give masks the names of their pictures, perhaps with a suffix such as `_mask`"
        raise DataError(mismatch(printable(str(masks)), "", f"at least {LEAST} pairs of one name", got, do))
    pairs = [(paths[ours[key][0]], paths[theirs[key][0]]) for key in keys]
    sizes, misfits = _compared(pairs)
    splits = {} if folders.images == folders.masks else _splits(keys, folders)
    problems = (*_unpaired(ours, theirs), *misfits)
    return PairedFolders([mask for _, mask in pairs], sizes, image_suffix, mask_suffix, splits, problems)


def _files(folder: Path, name: str) -> dict[str, Path]:
    """Returns the pictures in a folder by their names in the source."""
    return {str(PurePosixPath(name, one)): p for one, p in own_files(folder) if is_picture(one) and not p.is_dir()}


def _suffixes(names: Sequence[str], folders: MaskFolders) -> tuple[str, str]:
    """Returns what pictures and masks have more in their names."""
    ours, theirs = (_stems(names, folder) for folder in (folders.images, folders.masks))
    same = folders.images == folders.masks
    ways = [(a, b) for a in OF_PICTURES for b in SUFFIXES if not (same and a == b)]
    return max(ways, key=lambda way: len(_without(ours, way[0]) & _without(theirs, way[1])))


def _stems(names: Sequence[str], folder: str) -> set[str]:
    inside = f"{folder}/" if folder else ""
    return {str(PurePosixPath(one.removeprefix(inside)).with_suffix("")) for one in names if one.startswith(inside)}


def _without(stems: set[str], suffix: str) -> set[str]:
    return {stem.removesuffix(suffix) for stem in stems if stem.endswith(suffix)}


def _compared(pairs: Sequence[tuple[Path, Path]]) -> tuple[list[Size], list[str]]:
    """Returns the sizes of some pictures, and in words which masks have another one.

    Raises:
        DataError: a file is no picture, or no mask has the size of its picture.
    """
    some = pairs[:: -(-len(pairs) // HEADERS)]
    sizes = [(_size(picture), _size(mask)) for picture, mask in some]
    unlike = [(path, *both) for (_, path), both in zip(some, sizes, strict=True) if both[0] != both[1]]
    if not unlike:
        return [size for size, _ in sizes], []
    path, picture, mask = unlike[0]
    expected, got = (f"{width} x {height}" for height, width in (picture, mask))
    if len(unlike) == len(some):
        do = "make the masks as large as their pictures, to the nearest pixel"
        got = f"{got}, and in all other pairs another size, too"
        raise DataError(mismatch(printable(str(path)), "", f"a mask of the size of its picture, {expected}", got, do))
    told = f"`{printable(path.name)}` is {got}, its picture {expected}"
    return [size for size, _ in sizes], [
        f"Masks of another size than their picture: {len(unlike):,} ({told}); {STOPS}."
    ]


def _size(path: Path) -> Size:
    try:
        with path.open("rb") as stream:
            return picture_size(stream)
    except UnreadablePictureError as error:
        raise DataError(f"`{printable(str(path))}`: {error}") from None


def _unpaired(ours: ByKey, theirs: ByKey) -> Iterator[str]:
    """Yields in words what has no partner, or several."""
    alone = [name for key, some in ours.items() if key not in theirs for name in some]
    if alone:
        yield f"Pictures without a mask: {_few(alone)}; {STOPS}."
    if lost := [name for key, some in theirs.items() if key not in ours for name in some]:
        yield f"Masks without a picture: {_few(lost)}; they are left out."
    several = [name for some in (*ours.values(), *theirs.values()) if len(some) > 1 for name in some]
    if several:
        yield f"Of one name, but for the extension: {_few(several)}; {STOPS}."


def _few(names: Sequence[str]) -> str:
    listed = ", ".join(f"`{printable(name)}`" for name in names[:SHOWN])
    return f"{len(names):,} ({listed}{', ...' if len(names) > SHOWN else ''})"


def _splits(keys: list[str], folders: MaskFolders) -> dict[str, MaskFolders]:
    """Returns the folders of a published split, where pictures and masks lie in such folders."""
    tops = {key.split("/")[0] for key in keys if "/" in key}
    found = {part: next((top for top in sorted(tops) if top.casefold() in names), "") for part, names in PARTS.items()}
    if not found["train"] or not found["test"] or tops - {*found.values()}:
        return {}
    both = (folders.images, folders.masks)
    join = {part: [str(PurePosixPath(one, top)) for one in both] for part, top in found.items() if top}
    return {part: MaskFolders(images=ours, masks=theirs) for part, (ours, theirs) in join.items()}
