"""The bytes of a gallery: one line of JSON, then the vectors as little-endian float32, name after name."""

import hashlib
import json
from pathlib import Path

import numpy as np

from ..bundle.fields import Fields, JsonSource, parse
from ..errors import SettingsError, WrongInputError
from .vectors import DeviceGallery, EnrolledName

FORMAT = 1
LARGEST = 2**26
"""bytes of a gallery"""
_VALUE = np.dtype("<f4")


def gallery_bytes(gallery: DeviceGallery) -> bytes:
    """Returns the bytes of a gallery's file.

    Raises:
        WrongInputError: they are too many.
    """
    enrolled = gallery.names.values()
    vectors = b"".join(one.vectors.astype(_VALUE).tobytes() for one in enrolled)
    head = {
        "format": FORMAT,
        "space": gallery.space,
        "size": gallery.size,
        "sha256": hashlib.sha256(vectors).hexdigest(),
        # Three lists and not an object for each name: a thousand objects take longer to read than a network to run.
        "names": [one.name for one in enrolled],
        "enrolled": [one.enrolled for one in enrolled],
        "vectors": [len(one.vectors) for one in enrolled],
    }
    content = json.dumps(head, ensure_ascii=False).encode() + b"\n" + vectors
    if len(content) > LARGEST:
        raise WrongInputError(f"`gallery`: expected at most {LARGEST} bytes, got {len(content)}; forget a name")
    return content


def read_gallery(path: Path) -> DeviceGallery:
    """Returns the gallery in a file.

    Raises:
        SettingsError: it is malformed.
        FileNotFoundError: there is no file.
    """
    with path.open("rb") as stream:
        head, _, vectors = stream.read(LARGEST + 1).partition(b"\n")
    document = JsonSource(str(path), "remove it and enrol again", SettingsError)
    fields = Fields(parse(head, document), "", document)
    if (found := fields.integer("format")) != FORMAT:
        raise fields.wrong("format", str(FORMAT), found)
    space, size = fields.text("space"), fields.integer("size")
    if space != path.stem:
        raise fields.wrong("space", path.stem, space)
    if (got := hashlib.sha256(vectors).hexdigest()) != fields.text("sha256"):
        raise fields.wrong("sha256", "that of the vectors", got)
    names, enrolled, counts = fields.texts("names"), fields.texts("enrolled"), fields.shape("vectors")
    fields.finish()
    ends = np.cumsum([count or 0 for count in counts], dtype=np.int64).tolist()
    if len({*names}) < len(names) or not len(names) == len(enrolled) == len(counts) or not all(counts):
        raise fields.wrong("names", "each name once, with a date and at least one vector", [*names])
    if not names or size < 1 or len(vectors) != _VALUE.itemsize * size * ends[-1]:
        raise fields.wrong("size", "as many bytes behind the first line as the names have", len(vectors))
    values = np.frombuffer(vectors, _VALUE).astype(np.float32).reshape(-1, size)
    parts = (values[start:end] for start, end in zip([0, *ends], ends, strict=False))
    ours = zip(names, enrolled, parts, strict=True)
    return DeviceGallery(space, size, {name: EnrolledName(name, when, part) for name, when, part in ours})
