"""Image files whose path tells the label, and perhaps more that results are looked at by.

`fetch` packed them into one tar, which is read from front to end, with one image in memory.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from params.pictures.names import ImageNamesReader
from params.readers import LABEL
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.picture import NO_PICTURE, format_of, is_picture, read_picture
from tasks.data.readers.raw import members, packed_files
from tasks.data.readers.samples import Reading, Sample


def read(reader: ImageNamesReader, raw: Path) -> Reading:
    """Opens a tar of images; those whose path tells no label are bad samples.

    Raises:
        DataError: the source is not many files, or holds no image.
    """
    tar = packed_files(raw, reader.kind)
    names = [member.name for member, stream in members(tar) if stream is not None]
    others = Counter(NO_PICTURE for name in names if not is_picture(name))
    if len(names) == sum(others.values()):
        got = f"{len(names)} other files" if names else "none"
        raise DataError(mismatch("data.source", "path", "images", got, "is it the right folder?"))
    return Reading(
        "image",
        partial(_samples, reader, tar),
        reader.declared,
        preprocessing=format_of(reader).facts(),
        slices=reader.columns_kept,
        dropped=dict(others),
    )


def _samples(reader: ImageNamesReader, tar: Path) -> Iterator[Sample]:
    for member, stream in members(tar):
        if stream is not None and is_picture(member.name):
            yield _sample(reader, member.name, stream)


def _sample(reader: ImageNamesReader, name: str, stream: IO[bytes]) -> Sample:
    found = re.search(reader.pattern, name)
    if found is None:
        return Sample(name, problem=f"expected a path like `{reader.pattern}`, got another")
    told = {group: text or "" for group, text in found.groupdict().items()}
    values, problem = read_picture(stream, reader)
    slices = tuple(told[column] for column in reader.columns_kept)
    return Sample(name, {LABEL: told[LABEL]}, values, problem=problem, slices=slices)
