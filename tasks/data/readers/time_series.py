"""Sequences in the `.ts` text format of the UEA archive: dimensions separated by `:`, frames by `,`, the label last."""

import io
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np

from params.readers import LABEL, TimeSeriesReader
from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.raw import open_raw
from tasks.data.readers.samples import Reading, Sample


def read(reader: TimeSeriesReader, raw: Path) -> Reading:
    """Opens the two files of a published split; both must announce the same dimensions and labels.

    Raises:
        DataError: a file is missing, or its header announces what cannot be read.
    """
    headers = {name: _header_of(raw, name, field) for name, field in ((reader.train, "train"), (reader.test, "test"))}
    first, second = headers[reader.train], headers[reader.test]
    if first != second:
        raise DataError(mismatch(reader.test, "@header", f"that of `{reader.train}`, {first}", second, "correct one"))
    return Reading("sequence", partial(_samples, reader, raw, first[0]), {LABEL: {"values": first[1]}})


def _samples(reader: TimeSeriesReader, raw: Path, dimensions: int) -> Iterator[Sample]:
    parts: tuple[tuple[str, Part], ...] = ((reader.train, "train"), (reader.test, "test"))
    return chain.from_iterable(_samples_of(raw, name, part, dimensions) for name, part in parts)


def _samples_of(raw: Path, name: str, part: Part, dimensions: int) -> Iterator[Sample]:
    with open_raw(raw, name, part) as stream:
        lines = _lines(stream)
        for _, line in lines:
            if line.lower() == "@data":
                break
        for number, line in lines:
            yield _sample(f"{name}:{number:07d}", line, part, dimensions)


def _sample(where: str, line: str, part: Part, dimensions: int) -> Sample:
    *columns, label = line.split(":")
    target = {LABEL: label.strip()}
    if len(columns) != dimensions:
        return Sample(where, target, part=part, problem=f"expected {dimensions} dimensions, got {len(columns)}")
    try:
        # A `?` is a missing value; it becomes NaN, which the check of all samples names.
        frames = [np.array(column.replace("?", "nan").split(","), dtype=np.float32) for column in columns]
        return Sample(where, target, np.stack(frames, axis=1), part)
    except ValueError:
        lengths = sorted({len(column.split(",")) for column in columns})
        problem = f"expected numbers, equally many in every dimension, got text or lengths {lengths}"
        return Sample(where, target, part=part, problem=problem)


def _header_of(raw: Path, name: str, field: str) -> tuple[int, tuple[str, ...]]:
    """Returns (dimensions, labels) as a file announces them."""
    with open_raw(raw, name, field) as stream:
        header: dict[str, list[str]] = {}
        for _, line in _lines(stream):
            key, *words = line.split()
            if key.lower() == "@data":
                return _announced(name, header)
            header[key.lower()] = words
    raise DataError(mismatch(name, "@data", "a line `@data` before the samples", "none", "is it a .ts file?"))


def _announced(name: str, header: dict[str, list[str]]) -> tuple[int, tuple[str, ...]]:
    univariate = header.get("@univariate", ["false"])[0].lower() == "true"
    dimensions = "1" if univariate else next(iter(header.get("@dimensions", header.get("@dimension", []))), "none")
    labelled, *labels = header.get("@classlabel", ["none"])
    problems = []
    if not dimensions.isdecimal():
        problems.append(mismatch(name, "@dimensions", "a whole number", dimensions, "add it to the header"))
    if labelled.lower() != "true" or len(labels) < 2:
        problems.append(mismatch(name, "@classLabel", "`true` and the labels", labelled, "add it to the header"))
    if header.get("@timestamps", ["false"])[0].lower() == "true":
        problems.append(mismatch(name, "@timeStamps", "false", "true", "write the values without times"))
    if problems:
        raise DataError("\n".join(problems))
    return int(dimensions), tuple(labels)


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Yields (number from 1, text) of the lines that are neither empty nor comments."""
    for number, line in enumerate(io.TextIOWrapper(stream, encoding="utf-8", errors="replace"), start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield number, text
