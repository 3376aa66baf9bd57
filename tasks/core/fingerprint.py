"""What a result depends on, as one digest; and, when it differs from last time, why.

A stage's fingerprint is the cache key of its Prefect task: its inputs, the source it uses, the versions of its
libraries. The recipe's fingerprint is the union of those of its stages; it decides, without starting Prefect, whether
there is anything to do.

The source a stage uses is its task function and every module that this imports, directly or not, wherever the file is.
Modules that are found by name (`core/plugins.py`) count where the stage's inputs name them.
"""

import platform
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tasks.core.record import Record, canonical_digest, essential
from tasks.core.source import ROOT, code_of, save

TRAINING = ("torch", "accelerate", "numpy", "safetensors")
EXPORTING = ("torch", "onnx", "onnxscript", "onnxruntime", "numpy")
MEASURING = (*EXPORTING, "scikit-learn", "scipy")
DRAWING = ("matplotlib",)
LIBRARIES = tuple(sorted({*TRAINING, *EXPORTING, *MEASURING, *DRAWING}))
CHANGE_NO_NUMBER = {
    "params": "their values are in the key, and they compute nothing",
    "tasks.tracking": "watches a stage and stores its results",
    "tasks.core.checkpoints": "says where and how often a training is saved",
    "tasks.core.errors": "messages",
    "tasks.core.files": "writes and hashes bytes; the digests of what a stage reads are in the key",
    "tasks.core.fingerprint": "compares results, makes none",
    "tasks.core.locks": "says who waits for whom",
    "tasks.core.plugins": "imports the modules that count by themselves",
    "tasks.core.process_lease": "says which processes are alive",
    "tasks.core.progress": "messages",
    "tasks.kinds.recipes": "reads what is in the key as values",
    "tasks.core.servers": "messages",
    "tasks.core.workspace": "says where files are",
}
"""modules and packages of ours that no fingerprint covers, and why"""
NAMING = ("kind", "task", "layout")
"""fields whose values name modules"""
MANY_FILES = 4


class Ingredients(Record):
    """Everything that the outcome of a recipe depends on; kept in the ledger, so that a change can be named."""

    recipe: dict[str, Any]
    """dotted field -> value"""
    data: dict[str, str]
    """what is known of the data before any stage runs: version, signature of the source"""
    code: dict[str, str]
    """file -> digest of its source"""
    libraries: dict[str, str]


def stage_fingerprint(task: str, inputs: Mapping[str, Any], libraries: Sequence[str]) -> str:
    """Returns the digest of a stage's inputs, the source it uses and the versions of its libraries.

    Args:
        task: its function, as `tasks.distill.task:distill_student`.
        inputs: sections of the recipe, records and plain values.
        libraries: distributions whose version can change the numbers.
    """
    return canonical_digest(
        {
            "task": task,
            "inputs": {name: _identity(value) for name, value in inputs.items()},
            "source": source_files(task, names_in(*inputs.values())),
            "libraries": library_versions(libraries),
        }
    )


@cache
def source_files(task: str, names: frozenset[str], root: Path = ROOT) -> Mapping[str, str]:
    """Returns file -> digest of the source that a task function uses.

    Comments, docstrings and layout do not count, so that explaining a line does not train a teacher again.

    Args:
        task: as `tasks.distill.task:distill_student`; of its own file, only what the function uses counts.
        names: of the modules that are found by name.
        root: the folder that holds our packages.
    """
    module, _, function = task.partition(":")
    start = _file_of(module, root)
    assert start is not None, f"{module} is a module of ours"
    found = {start: code_of(start, function, root)}
    waiting = [start]
    while waiting:
        for file in _imported(found[waiting.pop()].imports, names, root):
            if file not in found:
                found[file] = code_of(file, root=root)
                waiting.append(file)
    save()
    return {file.relative_to(root).as_posix(): found[file].digest for file in sorted(found)}


def names_in(*values: Any) -> frozenset[str]:
    """Returns the names of modules in sections of a recipe and in records: values of `kind`, `task` and `layout`."""
    return frozenset(_names_in(values))


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
        *_code_changes(before.code, now.code),
        *_changes(before.libraries, now.libraries, "library {name} {before} -> {now}"),
    )


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], words: str) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, "none"), now.get(name, "none")
        if old != new:
            yield words.format(name=name, before=_short(old), now=_short(new))


def _code_changes(before: Mapping[str, str], now: Mapping[str, str]) -> Sequence[str]:
    changes = [*_changes(before, now, "code of `{name}`")]
    if len(changes) <= MANY_FILES:
        return changes
    return [*changes[: MANY_FILES - 1], f"code of {len(changes) - MANY_FILES + 1} more files"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def _identity(value: Any) -> Any:
    """Returns what stands for an input in a fingerprint: content for records, values for parameters."""
    if isinstance(value, Record):
        return value.digest
    if isinstance(value, BaseModel):
        return essential(value.model_dump(mode="json"))
    if isinstance(value, list | tuple):
        return [_identity(item) for item in value]
    return value


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, BaseModel):
        # `layout` of a reader is an attribute of its class, and no field.
        yield from (name for key in NAMING if isinstance(name := getattr(value, key, None), str))
        yield from _names_in([getattr(value, field) for field in type(value).model_fields])
    elif isinstance(value, Mapping):
        yield from _names_in([*value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _names_in(item)


def _imported(imports: Sequence[str], names: Collection[str], root: Path) -> Iterator[Path]:
    for pattern in imports:
        for module in [pattern.replace("{}", name) for name in names] if "{}" in pattern else [pattern]:
            file = None if _changes_no_number(module) else _file_of(module, root)
            if file is not None:
                yield file


def _changes_no_number(module: str) -> bool:
    return any(f"{module}.".startswith(f"{excluded}.") for excluded in CHANGE_NO_NUMBER)


@cache
def _file_of(module: str, root: Path) -> Path | None:
    """Returns the file of a module; None for what is none, such as a function of a module."""
    path = root.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)
