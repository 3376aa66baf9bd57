"""Files as what they are made of: the bytes at both ends, with a label that the end of the name tells.

`fetch` packed them into one tar, which is read from front to end, with both ends of one file in memory.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from params.readers import LABEL, FileBytesReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.raw import members, packed_files
from tasks.data.readers.samples import Reading, Sample
from tasks.runtime.preprocess.file_bytes import LEAST, ByteFormat

OTHER, SHORT, MORE = "of another type, by its name", f"shorter than {LEAST} bytes", "beyond `at_most` of its type"


def read(reader: FileBytesReader, raw: Path) -> Reading:
    """Opens a tar of files; those of no known type, too short ones and those beyond `at_most` are left out, counted.

    Raises:
        DataError: a type has no file.
    """
    tar, form = packed_files(raw, reader.kind), ByteFormat(reader.first, reader.last)
    names, dropped = _found(tar, reader)
    missing = [label for label in reader.types if not names[label]]
    if missing:
        do = "leave these types out, or correct their suffixes"
        raise DataError(mismatch("data.reader", "types", "files of each", f"none of {', '.join(missing)}", do))
    chosen = {name: label for label, some in names.items() for name in _few(some, reader.at_most)}
    dropped[MORE] = sum(map(len, names.values())) - len(chosen)
    return Reading(
        "vector",
        partial(_samples, tar, form, chosen),
        {LABEL: {"names": tuple(reader.types)}},
        preprocessing=form.facts(),
        dropped={reason: count for reason, count in sorted(dropped.items()) if count},
    )


def _found(tar: Path, reader: FileBytesReader) -> tuple[dict[str, list[str]], Counter[str]]:
    """Returns label -> names of its files, and how many are left out for which reason."""
    labels = {suffix: label for label, suffixes in reader.types.items() for suffix in suffixes}
    names, dropped = defaultdict[str, list[str]](list), Counter[str]()
    for member, stream in members(tar):
        if stream is None:
            continue
        label = labels.get(PurePosixPath(member.name).suffix.lower().removeprefix("."))
        if label is None:
            dropped[OTHER] += 1
        elif ByteFormat.is_short(stream):
            dropped[SHORT] += 1
        else:
            names[label].append(member.name)
    return names, dropped


def _few(names: list[str], at_most: int | None) -> list[str]:
    """Returns some names that their digests choose: the same ones whatever else there is."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:at_most]


def _samples(tar: Path, form: ByteFormat, chosen: dict[str, str]) -> Iterator[Sample]:
    for member, stream in members(tar):
        if stream is not None and member.name in chosen:
            yield _sample(member.name, chosen[member.name], stream, form)


def _sample(name: str, label: str, stream: IO[bytes], form: ByteFormat) -> Sample:
    return Sample(name, {LABEL: label}, form.values(stream))
