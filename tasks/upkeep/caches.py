"""What can be made again and lies on this machine: soft labels, results of stages, what was never finished."""

import json
import os
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from tasks.core.files import local_path
from tasks.upkeep.garbage import TEMPORARY, Garbage, at, within

KEY = "key.json"
UPLOADING = ".artifact.uploading."
"""how names begin of what MLflow has not uploaded yet"""


def soft_labels(store: Path, teachers: Set[str], data: Set[str]) -> Iterator[Garbage]:
    """Yields the views of soft labels whose teacher or data is none of these digests, or that do not say whose.

    Args:
        store: the folder of all views, each a folder with its key.
        teachers: digests of networks whose word is still wanted.
        data: digests of prepared data that somebody still learns from.
    """
    for view in sorted(store.glob("[!.]*")):
        key = _json(view / KEY)
        if not isinstance(key, dict) or key.get("teacher") not in teachers or key.get("data") not in data:
            yield at(view)


def results(folder: Path, doomed: frozenset[Path]) -> Iterator[Garbage]:
    """Yields the kept results of stages with a file or a folder of data that is gone, or about to go.

    Args:
        folder: where Prefect keeps results on this machine.
        doomed: folders that are about to go.
    """
    for path in sorted(folder.glob("[!.]*")):
        kept = _json(path)
        record = _parsed(kept.get("result")) if isinstance(kept, dict) else None
        if any(not named.exists() or within(named, doomed) for named in _named(record)):
            yield at(path)


def leftovers(state: Path) -> Iterator[Garbage]:
    """Yields what an interrupted process left in the state folder: half-written files, scratch, half a download.

    To be called while nobody works there.
    """
    for scratch in (*(state / "work").glob("*"), *(state / "downloads").glob("tmp*")):
        yield at(scratch)
    for folder, inner, files in os.walk(state):
        for name in (*inner, *files):
            if TEMPORARY.fullmatch(name) or name.startswith(UPLOADING):
                yield at(Path(folder, name))
        inner[:] = [name for name in inner if not TEMPORARY.fullmatch(name) and Path(folder, name) != state / "work"]


def _named(value: Any) -> Iterator[Path]:
    """Yields what a record points to on this machine: its files, and the folder of its data."""
    if isinstance(value, dict):
        where = (value[name] for name in ("uri", "directory") if isinstance(value.get(name), str))
        yield from filter(None, map(local_path, where))
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _named(inner)


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
