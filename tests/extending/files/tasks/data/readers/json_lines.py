"""A file with one JSON object a line: `{"values": [0.1, 2.0], "label": "good"}`."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from params.readers import LABEL
from tasks.data.readers.raw import open_raw
from tasks.data.readers.samples import Reading, Sample


def read(reader: Any, raw: Path) -> Reading:
    """Opens the file.

    Raises:
        DataError: it is not there.
    """
    with open_raw(raw, reader.file, "file"):
        return Reading("vector", partial(_samples, reader, raw), reader.declared)


def _samples(reader: Any, raw: Path) -> Iterator[Sample]:
    with open_raw(raw, reader.file, "file") as stream:
        for number, line in enumerate(stream, 1):
            yield _sample(f"line {number:08d}", line)


def _sample(name: str, line: bytes) -> Sample:
    try:
        row = json.loads(line)
        return Sample(name, {LABEL: row["label"]}, np.asarray(row["values"], np.float32))
    except (ValueError, KeyError, TypeError) as error:
        return Sample(name, problem=f"expected `values` and `label`, got {type(error).__name__}: {error}")
