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
    """A picture, and its mask."""

    image: str
    mask: str
    part: Part | None
    problem: str = ""
    """why it is not known which mask is its own"""


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
        images, masks = apart(folders, reader.image_suffix, reader.mask_suffix, names)
        if not images:
            problems.append(_no_pictures(reader, folders, part))
        for key, some in sorted(images.items(), key=lambda one: one[1]):
            wanted = str(PurePosixPath(folders.masks, key + reader.mask_suffix))
            found.pairs += _pairs(some, masks.get(key, []), part, wanted)
        found.dropped[NO_PARTNER] += sum(len(some) for key, some in masks.items() if key not in images)
        used |= {name for some in (*images.values(), *masks.values()) for name in some}
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


def _pairs(images: list[str], masks: list[str], part: Part | None, wanted: str) -> Iterator[MaskedPicture]:
    """Yields the pictures of one name, of which there should be one, as there should be one mask."""
    for image in images:
        problem = "" if masks else f"expected its mask `{wanted}`, got no such file"
        for what, some in (("picture", images), ("mask", masks)):
            if len(some) > 1:
                listed = ", ".join(f"`{name}`" for name in some)
                problem = f"expected one {what} of this name, got {len(some)} that differ in their extension: {listed}"
        yield MaskedPicture(image, masks[0] if masks else "", part, problem)


ByKey = dict[str, list[str]]
"""what a name has in common with its partner -> the name, or several that differ in their extension"""


def apart(folders: MaskFolders, image_suffix: str, mask_suffix: str, names: list[str]) -> tuple[ByKey, ByKey]:
    """Returns pictures and masks; what could be both by its name is what is said more closely."""
    closer = (len(folders.masks), len(mask_suffix)) > (len(folders.images), len(image_suffix))
    images = _by_key(names, folders.images, image_suffix)
    masks = _by_key(names, folders.masks, mask_suffix)
    return (_without(images, masks), masks) if closer else (images, _without(masks, images))


def _without(some: ByKey, others: ByKey) -> ByKey:
    taken = {name for names in others.values() for name in names}
    kept = ((key, [name for name in names if name not in taken]) for key, names in some.items())
    return {key: names for key, names in kept if names}


def _by_key(names: list[str], folder: str, suffix: str) -> ByKey:
    """Returns the names in a folder by their paths below it, without suffix and extension."""
    inside = f"{folder}/" if folder else ""
    found: ByKey = {}
    for name in names:
        stem = str(PurePosixPath(name.removeprefix(inside)).with_suffix("")) if name.startswith(inside) else ""
        if stem and is_picture(name) and stem.endswith(suffix):
            found.setdefault(stem.removesuffix(suffix), []).append(name)
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
    if pair.problem:
        return Sample(pair.image, part=pair.part, problem=pair.problem)
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
