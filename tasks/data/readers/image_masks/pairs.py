"""Pictures and masks that belong together by their names, perhaps in the folders of a published split."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from params.readers import MASK, ImageMasksReader, MaskFolders
from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.image_masks.packed import OpenPack, PackedFiles
from tasks.data.readers.image_masks.values import Mask, MaskCode, mask_values, nearest
from tasks.data.readers.picture import NO_PICTURE, format_of, is_picture, picture_size, read_picture
from tasks.data.readers.raw import packed_files
from tasks.data.readers.samples import Reading, Sample
from tasks.runtime.preprocess.picture_format import UnreadablePictureError

OUTSIDE, NO_PARTNER = "outside the folders of pictures and masks", "a mask without its picture"
"""why a file is left out"""


@dataclass(frozen=True, slots=True)
class MaskedPicture:
    """A picture, and its mask where there is one."""

    image: str
    mask: str | None
    part: Part | None
    wanted: str
    """the name that the mask should have, without an extension"""


@dataclass
class _Found:
    pairs: list[MaskedPicture] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def read(reader: ImageMasksReader, raw: Path) -> Reading:
    """Opens a tar of pictures and masks; a picture without its mask is a bad sample.

    Raises:
        DataError: the source is not many files, or a folder holds no picture; all of these at once.
    """
    files = PackedFiles.of(packed_files(raw, reader.kind))
    found = find_pairs(reader, list(files.places))
    return Reading(
        "image",
        partial(_samples, reader, files, found.pairs),
        reader.declared,
        preprocessing=format_of(reader).facts(),
        dropped=dict(sorted(found.dropped.items())),
    )


def find_pairs(reader: ImageMasksReader, names: list[str]) -> _Found:
    """Returns which picture goes with which mask, in the order of the pictures' names.

    Raises:
        DataError: a folder holds no picture.
    """
    found, used = _Found(), set[str]()
    problems = []
    for part, folders in _folders(reader).items():
        images, masks = _apart(reader, folders, names)
        if not images:
            problems.append(_no_pictures(reader, folders, part))
        for key, name in sorted(images.items(), key=lambda one: one[1]):
            wanted = str(PurePosixPath(folders.masks, key + reader.mask_suffix))
            found.pairs.append(MaskedPicture(name, masks.get(key), part, wanted))
        used |= {*images.values(), *(masks[key] for key in images if key in masks)}
        found.dropped[NO_PARTNER] += len(masks.keys() - images.keys())
        used |= {*masks.values()}
    if problems:
        raise DataError("\n".join(problems))
    for name in names:
        if name not in used:
            found.dropped[OUTSIDE if is_picture(name) else NO_PICTURE] += 1
    found.dropped = +found.dropped
    return found


def _folders(reader: ImageMasksReader) -> dict[Part | None, MaskFolders]:
    whole: dict[Part | None, MaskFolders] = {None: MaskFolders(images=reader.images, masks=reader.masks)}
    parts: dict[Part | None, MaskFolders] = dict(reader.splits.items())
    return parts or whole


ByKey = dict[str, str]
"""what a name has in common with its partner -> the name"""


def _apart(reader: ImageMasksReader, folders: MaskFolders, names: list[str]) -> tuple[ByKey, ByKey]:
    """Returns pictures and masks; what could be both by its name is what is said more closely."""
    images = _by_key(names, folders.images, reader.image_suffix)
    masks = _by_key(names, folders.masks, reader.mask_suffix)
    closer = (len(folders.masks), len(reader.mask_suffix)) > (len(folders.images), len(reader.image_suffix))
    both = {*images.values()} & {*masks.values()}
    if closer:
        return {key: name for key, name in images.items() if name not in both}, masks
    return images, {key: name for key, name in masks.items() if name not in both}


def _by_key(names: list[str], folder: str, suffix: str) -> ByKey:
    """Returns the names in a folder by their paths below it, without suffix and extension."""
    inside = f"{folder}/" if folder else ""
    found = {}
    for name in names:
        stem = str(PurePosixPath(name.removeprefix(inside)).with_suffix("")) if name.startswith(inside) else ""
        if stem and is_picture(name) and stem.endswith(suffix):
            found[stem.removesuffix(suffix)] = name
    return found


def _no_pictures(reader: ImageMasksReader, folders: MaskFolders, part: Part | None) -> str:
    where = f"data.reader.splits.{part}.images" if part else "data.reader.images"
    behind = f" whose names end in `{reader.image_suffix}`" if reader.image_suffix else ""
    expected = f"pictures{behind} in the folder `{folders.images}` of the source"
    return mismatch("recipe", where, expected, "none", "correct the folder or the suffix")


def _samples(reader: ImageMasksReader, files: PackedFiles, pairs: list[MaskedPicture]) -> Iterator[Sample]:
    code = MaskCode.of(reader)
    with files.opened() as pack:
        for pair in pairs:
            yield _sample(reader, code, pack, pair)


def _sample(reader: ImageMasksReader, code: MaskCode, pack: OpenPack, pair: MaskedPicture) -> Sample:
    if pair.mask is None:
        return Sample(pair.image, part=pair.part, problem=f"expected its mask `{pair.wanted}`, got no such file")
    values, problem = read_picture(pack.file(pair.image), reader)
    if problem:
        return Sample(pair.image, part=pair.part, problem=problem)
    try:
        mask = _mask(reader, code, pack, pair.image, pair.mask)
    except UnreadablePictureError as error:
        return Sample(pair.image, part=pair.part, problem=f"`{pair.mask}`: {error}")
    return Sample(pair.image, {MASK: mask}, values, pair.part)


def _mask(reader: ImageMasksReader, code: MaskCode, pack: OpenPack, image: str, name: str) -> Mask:
    values = mask_values(pack.file(name), code.coloured)
    size = picture_size(pack.file(image))
    if values.shape != size:
        expected, got = ("{1} x {0}".format(*some) for some in (size, values.shape))
        raise UnreadablePictureError(f"expected a mask of the size of its picture, {expected}, got {got}")
    height, width = reader.size
    return nearest(code.numbers(values), (height, width))
