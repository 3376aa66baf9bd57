"""The galleries in a device's home: one file for each space, so vectors of two models never meet.

An update to a model with another space leaves the file of the one before: a rollback finds it again. It goes when each
of its names is enrolled anew or forgotten, and no release of the home could use it.
"""

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..bundle.manifest import MANIFEST, read_manifest
from ..errors import RuntimeBundleError, UnknownNameError, WrongInputError
from ..update.home import SLOTS, Home, Slot
from ..update.storage import remove_unfinished, sync_directory, write_durably
from .gallery_file import gallery_bytes, read_gallery
from .space import space_of
from .vectors import DeviceGallery

FOLDER_MODE, FILE_MODE = 0o700, 0o600
END = ".gallery"
MOST_NAMES = 10_000
Mark = tuple[str, int, int, int]


class _Seen(NamedTuple):
    marks: tuple[Mark, ...]
    galleries: dict[str, DeviceGallery]


class GalleryStore:
    """Reads and writes the galleries of a home; may be asked from several threads and processes."""

    def __init__(self, home: Home) -> None:
        self._home, self._folder = home, home.galleries
        self._seen = _Seen((), {})

    def read(self, space: str) -> DeviceGallery | None:
        """Returns the gallery of a space; None where nobody is enrolled in it.

        Raises:
            SettingsError: a file is malformed.
        """
        return self._read().get(space)

    def elsewhere(self, space: str) -> list[str]:
        """Returns the names that are enrolled in other spaces alone; raises as `read`."""
        galleries = self._read()
        here = galleries[space].names if space in galleries else {}
        return sorted({name for gallery in galleries.values() for name in gallery.names} - {*here})

    def listing(self, space: str) -> dict[str, Any]:
        """Returns, for JSON, the `names` that are enrolled in a space, and those to `enrol_again`; raises as `read`.

        Each of the `names` has its number of `vectors` and when it was `enrolled`, by the device's clock.
        """
        gallery = self.read(space)
        names = gallery.names.values() if gallery else ()
        listed = [{"name": one.name, "vectors": len(one.vectors), "enrolled": one.enrolled} for one in names]
        return {"names": listed, "enrol_again": self.elsewhere(space)}

    def change(self, space: str, work: Callable[[DeviceGallery | None], DeviceGallery]) -> DeviceGallery:
        """Lets `work` make a new gallery of what is enrolled in a space, and writes it, whole or not at all.

        Raises:
            SettingsError: a file is malformed.
            WrongInputError: the gallery has too many names, or is too large.
        """
        with self._lock():
            gallery = work(self.read(space))
            if len(gallery.names) > MOST_NAMES:
                raise WrongInputError(f"`gallery`: expected at most {MOST_NAMES} names, got one more; forget a name")
            self._write(gallery)
            self._sweep(gallery)
        return gallery

    def forget(self, name: str, space: str) -> int:
        """Removes a name from the galleries of all spaces, and returns how many vectors that were.

        Args:
            name: to be forgotten.
            space: whose gallery loses it last: as long as that has it, something may be left elsewhere.

        Raises:
            SettingsError: a file is malformed.
            UnknownNameError: the name is in none of them.
        """
        with self._lock():
            having = [gallery for gallery in self._read().values() if name in gallery.names]
            if not having:
                raise unknown_name(name)
            for gallery in sorted(having, key=lambda one: one.space == space):
                self._write(gallery.without(name))
        return sum(len(gallery.names[name].vectors) for gallery in having)

    def _read(self) -> dict[str, DeviceGallery]:
        """Returns all galleries by their spaces; reads again only where a file has changed."""
        seen = self._seen
        marks = tuple(sorted(_marks(self._folder)))
        if marks != seen.marks:
            try:
                galleries = [read_gallery(self._folder / name) for name, *_ in marks]
            except FileNotFoundError:  # its last name was forgotten a moment ago
                return self._read()
            self._seen = seen = _Seen(marks, {gallery.space: gallery for gallery in galleries})
        return seen.galleries

    def _write(self, gallery: DeviceGallery) -> None:
        path = self._folder / f"{gallery.space}{END}"
        if gallery.names:
            write_durably(path, gallery_bytes(gallery), FILE_MODE)
            kept = {**self._seen.galleries, gallery.space: gallery}
            self._seen = _Seen(tuple(sorted(_marks(self._folder))), kept)  # who wrote it need not read it
        else:
            path.unlink(missing_ok=True)
            sync_directory(self._folder)

    def _sweep(self, current: DeviceGallery) -> None:
        """Removes galleries that no release of the home could use, and whose names are all enrolled in this one."""
        others = [one for one in self._read().values() if one.space != current.space]
        usable = {*_spaces(self._home)} if others else set()
        for gallery in others:
            if gallery.space not in usable and gallery.names.keys() <= current.names.keys():
                self._write(DeviceGallery(gallery.space, gallery.size, {}))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Lets one change after the other; each takes milliseconds."""
        self._folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        with (self._folder / ".lock").open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            remove_unfinished(self._folder, END)  # it holds vectors, perhaps of somebody who is to be forgotten
            yield


def unknown_name(name: str) -> UnknownNameError:
    """Returns the error to raise for a name that nobody has."""
    return UnknownNameError(f"`{name}`: expected a name that is enrolled, got none; see `gallery`")


def _marks(folder: Path) -> Iterator[Mark]:
    """Yields what tells one state of a file from the next: each is a new file, renamed."""
    for path in folder.glob(f"*{END}"):
        try:
            found = path.stat()
        except FileNotFoundError:  # forgotten a moment ago
            continue
        yield path.name, found.st_ino, found.st_mtime_ns, found.st_size


def current_space(home: Home) -> str:
    """Returns the space of the current release without loading it; empty where it cannot be read.

    To forget somebody needs no model that runs.
    """
    slot = home.slot()
    return next(_spaces(home, (slot,)), "") if slot else ""


def _spaces(home: Home, slots: Sequence[Slot] = SLOTS) -> Iterator[str]:
    """Yields the spaces of the releases in slots; of one that cannot be read there is none to go back to."""
    for slot in slots:
        try:
            yield space_of(read_manifest((home.bundle(slot) / MANIFEST).read_bytes()))
        except (OSError, RuntimeBundleError):
            continue
