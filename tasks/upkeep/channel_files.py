"""What a release channel no longer serves: metadata and targets that neither of its two newest snapshots names."""

import re
from collections.abc import Iterator
from pathlib import Path

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Snapshot, Targets, Timestamp

from tasks.runtime.update.channel import METADATA, TARGETS
from tasks.upkeep.garbage import Garbage, at

VERSIONED = re.compile(r"(\d+)\.(?!root\.)(.+\.json)")
"""metadata whose old versions may go; of roots every one stays: a device climbs them one by one"""
NEWEST = 2
"""a device that has just read the timestamp may still fetch what the snapshot before names"""


def superseded(channel: Path) -> Iterator[Garbage]:
    """Yields old metadata and targets of every environment; all stays where metadata is missing or cannot be read."""
    for metadata in sorted(channel.glob(f"[!.]*/{METADATA}")):
        try:
            kept = frozenset(_named(metadata))
        except (OSError, RepositoryError, KeyError):
            continue
        versioned = [path for path in metadata.iterdir() if VERSIONED.fullmatch(path.name)]
        targets = [path for path in (metadata.parent / TARGETS).rglob("*") if path.is_file()]
        for path in sorted({*versioned, *targets} - kept):
            yield at(path, str(path.relative_to(channel)))


def _named(metadata: Path) -> Iterator[Path]:
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
