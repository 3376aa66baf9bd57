"""What a result depends on, as one digest; and, when it differs from last time, why.

A stage's fingerprint is the cache key of its Prefect task. The recipe's fingerprint decides, without starting Prefect,
whether there is anything to do at all.
"""

import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tasks.core.record import Record, canonical_digest
from tasks.core.source import PACKAGE, code_of, keep

TRAINING = ("torch", "accelerate", "numpy", "safetensors")
EXPORTING = ("torch", "onnx", "onnxscript", "onnxruntime", "numpy")
MEASURING = (*EXPORTING, "scikit-learn", "scipy")
DRAWING = ("matplotlib",)
LIBRARIES = tuple(sorted({*TRAINING, *EXPORTING, *MEASURING, *DRAWING}))
STAGE_ROOMS = ("data", "distill/teachers", "distill", "compress", "evaluate", "registry")
PLUMBING = ("core", "contracts", "tracking")


class Ingredients(Record):
    """Everything that the outcome of a recipe depends on; kept in the ledger, so that a change can be named."""

    recipe: dict[str, Any]
    """dotted field -> value"""
    data: dict[str, str]
    """what is known of the data before any stage runs: version, signature of the source"""
    code: dict[str, str]
    """room -> digest of its source and of what it imports"""
    libraries: dict[str, str]


def stage_fingerprint(room: str, inputs: Mapping[str, Any], libraries: Sequence[str]) -> str:
    """Returns the digest of a stage's inputs, the source of its room and the versions of its libraries."""
    return canonical_digest(
        {
            "room": room,
            "inputs": {name: _identity(value) for name, value in inputs.items()},
            "source": source_digest(room),
            "libraries": library_versions(libraries),
        }
    )


@cache
def source_digest(room: str) -> str:
    """Returns a digest of the code of `tasks/<room>` and of every file of another room it imports, directly or not.

    Comments, docstrings and layout do not count, so that explaining a line does not train a teacher again.
    """
    paths = _files(room)
    for path in paths:
        paths += sorted(_imported(path) - set(paths))
    parts = [f"{path.relative_to(PACKAGE)}:{code_of(path, PACKAGE).digest}" for path in sorted(paths)]
    keep()
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def library_versions(names: Sequence[str]) -> dict[str, str]:
    """Returns the installed version of each library, and Python's; `none` where one is not installed."""
    return {"python": ".".join(platform.python_version_tuple()[:2])} | {name: _version(name) for name in names}


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Returns dotted field -> plain value of nested mappings."""
    if not isinstance(value, dict) or not value:
        return {prefix: value}
    return {
        key: leaf
        for name, inner in value.items()
        for key, leaf in flatten(inner, f"{prefix}.{name}".strip(".")).items()
    }


def explain(before: Ingredients, now: Ingredients) -> tuple[str, ...]:
    """Returns in words what changed, one entry per change; empty if nothing did."""
    return (
        *_changes(before.recipe, now.recipe, "`{name}` {before} -> {now}"),
        *_changes(before.data, now.data, "data {name} {before} -> {now}"),
        *_changes(before.code, now.code, "code of `tasks/{name}`"),
        *_changes(before.libraries, now.libraries, "library {name} {before} -> {now}"),
    )


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], words: str) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, "none"), now.get(name, "none")
        if old != new:
            yield words.format(name=name, before=_short(old), now=_short(new))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def _identity(value: Any) -> Any:
    """Returns what stands for an input in a fingerprint: content for records, values for parameters."""
    if isinstance(value, Record):
        return value.digest
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [_identity(item) for item in value]
    return value


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _files(room: str) -> list[Path]:
    return sorted((PACKAGE / room).rglob("*.py"))


@cache
def _imported(path: Path) -> frozenset[Path]:
    """Returns the files of rooms that a file imports; modules beside the rooms are plumbing that moves no number."""
    found = {
        name: PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py") for name in code_of(path, PACKAGE).imports
    }
    return frozenset(
        file
        for name, file in found.items()
        if name.count(".") > 1 and name.split(".")[1] not in PLUMBING and file.is_file()
    )
