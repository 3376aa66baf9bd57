"""Files of a git repository at one commit, read from its objects: there is no work tree.

So there is nothing for hooks, filters, attributes, links and submodules to work on, and no name leads anywhere.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from params.sources import GitSource
from tasks.core.errors import DataError, mismatch
from tasks.data.sources.chosen import Writer, choose, some
from tasks.data.sources.git_objects import FILES, Entry, ObjectReader, RefusedObjects, Repository

MOST_FILES = 500_000
MEGABYTE = 1_000_000
POINTER = b"version https://git-lfs.github.com/spec/"
POINTER_BYTES = 1024
"""a longer file is no pointer"""


def fetch(source: GitSource, _root: Path, raw: Path) -> None:
    """Brings the named files to `raw`; with a folder or pattern among them, as one tar.

    The commit comes shallow and without the contents of files, then those that are named; from a server that hands out
    nothing by its id, whole branches.

    Raises:
        DataError: no git, no network, no such commit, no file of a name; too many files or bytes; links, submodules or
            pointers of Git LFS among those named.
    """
    # Its name begins as that of the raw folder, so what a kill leaves is cleared with it.
    with tempfile.TemporaryDirectory(dir=raw.parent, prefix=".raw.git.") as scratch:
        found = _brought(source, Path(scratch))
        _write(found, source, raw)


@dataclass(frozen=True)
class _Brought:
    """A repository that has the chosen files: name -> id."""

    repository: Repository
    chosen: dict[str, str]


def _brought(source: GitSource, scratch: Path) -> _Brought:
    limit = source.largest_megabytes * MEGABYTE
    try:
        return _attempt(source, Repository.new(scratch / "sparse", source.url, limit), sparse=True)
    except RefusedObjects:
        pass
    try:
        return _attempt(source, Repository.new(scratch / "whole", source.url, limit), sparse=False)
    except RefusedObjects:
        do = "take a mirror that gives whole branches"
        raise DataError(
            mismatch("data.source", "url", f"the files of the commit from {source.url}", "none", do)
        ) from None


def _attempt(source: GitSource, repository: Repository, sparse: bool) -> _Brought:
    repository.fetch_commit(source.commit, sparse)
    chosen = _chosen(source, [*repository.entries(source.commit, source.folder)])
    missing = set(chosen.values()) - repository.sizes().keys()
    if missing:
        repository.fetch_objects(sorted(missing))
    sizes = repository.sizes()
    if not sizes.keys() >= set(chosen.values()):
        raise RefusedObjects
    total = sum(sizes[one] for one in chosen.values())
    if total > repository.limit:
        raise repository.too_large(f"{total:,}")
    return _Brought(repository, chosen)


def _chosen(source: GitSource, entries: Sequence[Entry]) -> dict[str, str]:
    known = {entry.name: entry for entry in entries}
    do = f"look at the files of commit {source.commit[:10]}"
    chosen = [known[name] for name in choose([entry.name for entry in entries], source.paths, source.url, do)]
    if len(chosen) > MOST_FILES:
        do = "name a `folder` or fewer paths"
        raise DataError(mismatch("data.source", "paths", f"at most {MOST_FILES:,} files", f"{len(chosen):,}", do))
    strange = [entry.name for entry in chosen if entry.mode not in FILES]
    if strange:
        got = f"links or submodules: {some(strange)}"
        raise DataError(
            mismatch("data.source", "paths", "files", got, "name the files, or patterns that leave them out")
        )
    return {entry.name: entry.id for entry in chosen}


def _write(found: _Brought, source: GitSource, raw: Path) -> None:
    writer = Writer(raw, [*found.chosen], source.paths)
    with found.repository.reader() as reader:
        _refuse_pointers(found, reader)
        writer.write(lambda name: reader.open(found.chosen[name]), reader.close_object)


def _refuse_pointers(found: _Brought, reader: ObjectReader) -> None:
    sizes = found.repository.sizes()
    small = [name for name, one in found.chosen.items() if sizes[one] <= POINTER_BYTES]
    pointers = [name for name in small if _read(reader, found.chosen[name]).startswith(POINTER)]
    if pointers:
        do = "the contents lie elsewhere: bring them with `kind: download`, or fetch them and name the folder"
        raise DataError(mismatch("data.source", "paths", "files", f"pointers of Git LFS: {some(pointers)}", do))


def _read(reader: ObjectReader, one: str) -> bytes:
    size, stream = reader.open(one)
    content = stream.read(size)
    reader.close_object()
    return content
