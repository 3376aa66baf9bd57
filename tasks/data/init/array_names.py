"""Which arrays of numpy files are the values, the labels and the lengths of sequences, by their names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.core.errors import DataError, mismatch
from tasks.runtime.preprocess.sequence_arrays import BadArrayError, archive, array_names

ROLES = {
    "inputs": ("inputs", "x", "data", "values", "sequences", "features", "signals"),
    "labels": ("labels", "label", "y", "targets", "target", "classes"),
    "lengths": ("lengths", "length", "lens", "n", "seq_lengths"),
}
"""what people call them, in small letters"""
PARTS = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation", "test": "test"}
_PARTS = "train|validation|valid|val|test"
_PART = re.compile(rf"(?:(?P<first>{_PARTS})[_-]?(?P<then>.+)|(?P<name>.+?)[_-]?(?P<part>{_PARTS}))")


def recognised_arrays(path: Path, label: str | None) -> dict[str, Any]:
    """Returns the section of the recipe that reads an `.npz`, or the `.npy` files of a folder.

    Raises:
        DataError: it is no such file, or its arrays are called otherwise.
    """
    names = _names(path)
    found = _by_part(names, label)
    if {"inputs", "labels"} <= {*found.get("", {})}:
        return {"kind": "sequence_arrays", "arrays": found[""]}
    parts = {part: roles for part, roles in found.items() if part and {"inputs", "labels"} <= {*roles}}
    if {"train", "test"} <= {*parts}:
        return {"kind": "sequence_arrays", **parts}
    known = ", ".join(f"`{name}`" for name in names) or "none"
    expected = "arrays called `inputs` and `labels`, or `X_train`, `y_train`, `X_test` and `y_test`"
    do = "name the labels with `--label`, or save the arrays under such names"
    raise DataError(mismatch(str(path), "", expected, known, do))


def _names(path: Path) -> list[str]:
    if path.is_dir():
        return sorted(file.name for file in path.glob("*.npy"))
    try:
        with archive(path.read_bytes(), "inputs") as opened:
            return array_names(opened)
    except BadArrayError as error:
        raise DataError(mismatch(str(path), "", error.expected, error.got, error.do)) from None
    except OSError as error:
        got = error.strerror or str(error)
        raise DataError(mismatch(str(path), "", "a file that can be read", got, "change its permissions")) from None


def _by_part(names: Sequence[str], label: str | None) -> Mapping[str, dict[str, str]]:
    """Returns part of a split, or an empty text -> role -> name of the array."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        for part, role in _roles(name.removesuffix(".npy"), label):
            found.setdefault(part, {}).setdefault(role, name)
    return found


def _roles(name: str, label: str | None) -> Iterator[tuple[str, str]]:
    if label in (name, f"{name}.npy"):
        yield "", "labels"
        return
    for role, usual in ROLES.items():
        if name.lower() in usual and not (label and role == "labels"):
            yield "", role
        elif match := _PART.fullmatch(name.lower()):
            part, called = match["first"] or match["part"], match["then"] or match["name"]
            if called in usual:
                yield PARTS[part], role
