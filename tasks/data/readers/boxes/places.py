"""Which file is meant by a name in an annotation or a list, and which pictures the parts of a split have."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from params.pictures.boxes import BoxFilesReader
from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.boxes.annotations import LISTED_TWICE, UNLISTED, AnnotatedPicture, Annotations, identity
from tasks.data.readers.image_masks.packed import NamedFiles
from tasks.data.readers.picture import NO_PICTURE, is_picture

LIST = ".txt"
FLAGS = ("-1", "0", "1")
"""behind a name in the lists that Pascal VOC has of each class"""


@dataclass(frozen=True)
class PicturePlaces:
    """The pictures below a folder of the source, by their paths in it with and without what they end in."""

    folder: str
    files: dict[str, str]
    """path below the folder -> name in the source"""

    @classmethod
    def below(cls, folder: str, names: Iterable[str]) -> "PicturePlaces":
        """Returns those of the names that are pictures in a folder."""
        start = f"{folder.rstrip('/')}/" if folder.strip("/") else ""
        found = {name.removeprefix(start): name for name in names if name.startswith(start) and is_picture(name)}
        stems = {str(PurePosixPath(below).with_suffix("")): name for below, name in found.items()}
        return cls(start.rstrip("/"), stems | found)

    def find(self, said: str) -> str | None:
        """Returns the file that is meant: of the ends of the path, the longest that is there.

        Paths may be absolute, written on Windows, or begin anywhere above the folder.
        """
        parts = [part for part in said.replace("\\", "/").split("/") if part not in ("", ".")]
        for start in range(len(parts)):
            if name := self.files.get("/".join(parts[start:])):
                return name
        return None

    def path(self, name: str) -> str:
        """Returns the path of a file below the folder."""
        return name.removeprefix(f"{self.folder}/") if self.folder else name


def pictures_of(reader: BoxFilesReader, pack: NamedFiles) -> Annotations:
    """Returns the pictures of each part of the split, or all; nothing is known of their boxes yet.

    Raises:
        DataError: a list is missing, or a part has no picture; all of these at once.
    """
    places = PicturePlaces.below(reader.images, pack.places)
    found = Annotations()
    parts: dict[Part | None, str] = dict(reader.splits.items())
    problems = []
    for part, where in (parts or {None: ""}).items():
        some = list(_part(places, pack, part, where))
        if not some:
            field = f"splits.{part}" if part else "images"
            expected = f"pictures in `{where or reader.images or 'the source'}`"
            problems.append(mismatch("data.reader", field, expected, "none", "correct it"))
        once = {one.id: one for one in some}
        found.dropped[LISTED_TWICE] += len(some) - len(once)
        found.pictures += once.values()
    if problems:
        raise DataError("\n".join(problems))
    leave_out_others(found, pack.places)
    return found


def leave_out_others(found: Annotations, names: Iterable[str], used: Iterable[str] = ()) -> None:
    """Counts the pictures that are in none of the annotations."""
    files = {one.file for one in found.pictures} | set(used)
    found.dropped[UNLISTED] += sum(is_picture(name) and name not in files for name in names)


def count_other_files(found: Annotations, names: Iterable[str], used: Iterable[str]) -> None:
    """Counts the files that are neither pictures nor used otherwise."""
    known = set(used)
    found.dropped[NO_PICTURE] += sum(not is_picture(name) and name not in known for name in names)


def lists_of(reader: BoxFilesReader) -> tuple[str, ...]:
    """Returns the lists among the parts of a split."""
    return tuple(where for where in reader.splits.values() if where.endswith(LIST))


def _part(places: PicturePlaces, pack: NamedFiles, part: Part | None, where: str) -> Iterator[AnnotatedPicture]:
    if where.endswith(LIST):
        yield from _listed(places, pack, part, where)
        return
    start = f"{where.rstrip('/')}/" if where.strip("/.") else ""
    for name in sorted(set(places.files.values())):
        below = places.path(name)
        if below.startswith(start):
            yield AnnotatedPicture(identity(part, below.removeprefix(start)), name, part)


def _listed(places: PicturePlaces, pack: NamedFiles, part: Part | None, where: str) -> Iterator[AnnotatedPicture]:
    for line in text_of(pack, where, f"splits.{part}").splitlines():
        entry = line.strip()
        first, *flags = entry.split()[:2] or [""]
        name = places.find(entry) or (places.find(first) if [*flags] and flags[0] in FLAGS else None)
        if name:
            yield AnnotatedPicture(identity(part, places.path(name)), name, part)
        elif entry:
            problem = (
                f"expected the picture that `{where}` lists, got no such file in `{places.folder or 'the source'}`"
            )
            yield AnnotatedPicture(identity(part, entry), entry, part, problem=problem)


def text_of(pack: NamedFiles, name: str, field: str) -> str:
    """Returns a text of the source.

    Raises:
        DataError: it is missing, or no text.
    """
    if name not in pack.places:
        suffix = PurePosixPath(name).suffix
        known = [one for one in pack.places if one.endswith(suffix)][:5]
        got = f"`{name}`; there are {', '.join(known) or f'no files {suffix}'}"
        raise DataError(mismatch("data.reader", field, "a file of the source", got, "correct it"))
    try:
        return pack.file(name).read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        do = "save it as UTF-8"
        raise DataError(mismatch(name, "", "a text in UTF-8", f"other bytes at offset {error.start}", do)) from None
