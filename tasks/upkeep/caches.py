"""Files of this machine that nothing needs: soft labels, results of stages, leftovers, old files of channels."""

import json
import os
import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Snapshot, Targets, Timestamp

from tasks.core.files import local_path
from tasks.runtime.update.channel import METADATA, TARGETS
from tasks.upkeep.garbage import TEMPORARY, Garbage, at, within

KEY = "key.json"
UPLOADING = ".artifact.uploading."
"""how names begin of what MLflow has not uploaded yet"""
VERSIONED = re.compile(r"(\d+)\.(?!root\.)(.+\.json)")
"""metadata whose old versions may go; of roots every one stays: a device climbs them one by one"""
NEWEST = 2
"""a device that has just read the timestamp may still fetch what the snapshot before names"""


def soft_labels(store: Path, teachers: Set[str], data: Set[str]) -> Iterator[Garbage]:
    """Yields the views of soft labels whose teacher or data is none of these digests, or that do not say whose.

    Args:
        store: the folder of all views, each a folder with its key.
        teachers: digests of networks whose soft labels are still needed.
        data: digests of prepared data that are still trained on.
    """
    for view in sorted(store.glob("[!.]*")):
        key = _json(view / KEY)
        if not isinstance(key, dict) or key.get("teacher") not in teachers or key.get("data") not in data:
            yield at(view)


def results(folder: Path, doomed: frozenset[Path]) -> Iterator[Garbage]:
    """Yields the stored results of stages with a file or a folder of data that is gone, or about to go.

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

    To be called while no other process works there.
    """
    for scratch in (*(state / "work").glob("*"), *(state / "downloads").glob("tmp*")):
        yield at(scratch)
    for folder, inner, files in os.walk(state):
        for name in (*inner, *files):
            if TEMPORARY.fullmatch(name) or name.startswith(UPLOADING):
                yield at(Path(folder, name))
        inner[:] = [name for name in inner if not TEMPORARY.fullmatch(name) and Path(folder, name) != state / "work"]


def superseded(channel: Path) -> Iterator[Garbage]:
    """Yields old metadata and targets of every environment; all stays where metadata is missing or unreadable."""
    for metadata in sorted(channel.glob(f"[!.]*/{METADATA}")):
        try:
            in_use = frozenset(_in_use(metadata))
        except (OSError, RepositoryError, KeyError):
            continue
        versioned = [path for path in metadata.iterdir() if VERSIONED.fullmatch(path.name)]
        targets = [path for path in (metadata.parent / TARGETS).rglob("*") if path.is_file()]
        for path in sorted({*versioned, *targets} - in_use):
            yield at(path, str(path.relative_to(channel)))


def _in_use(metadata: Path) -> Iterator[Path]:
    """Yields the snapshots that stay, the metadata that they name, and the files that this names."""
    snapshots = sorted({int(path.name.split(".")[0]) for path in metadata.glob("[0-9]*.snapshot.json")})
    current = Metadata[Timestamp].from_file(str(metadata / "timestamp.json")).signed.snapshot_meta.version
    for version in {current, *snapshots[-NEWEST:]}:
        path = metadata / f"{version}.snapshot.json"
        yield path
        for role, file in Metadata[Snapshot].from_file(str(path)).signed.meta.items():
            yield metadata / f"{file.version}.{role}"
            yield from _targets(metadata / f"{file.version}.{role}")


def _targets(path: Path) -> Iterator[Path]:
    for target in Metadata[Targets].from_file(str(path)).signed.targets.values():
        folder, _, name = target.path.rpartition("/")
        for digest in target.hashes.values():
            yield path.parents[1] / TARGETS / folder / f"{digest}.{name}"


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
