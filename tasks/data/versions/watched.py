"""What data depends on: what DVC watches, and what a look at a source of one's own tells without DVC."""

import hashlib
from pathlib import Path

import yaml

from params.data import Data
from params.pipeline import Recipe
from params.sources import FileSource, FolderSource, Source
from tasks.data.fetch import own_words
from tasks.data.sources.own import own_files, own_path, signature
from tasks.data.versions.code import code_file

TABLES = (".csv", ".tsv", ".txt")
COUNTED_BYTES = 64 * 1024 * 1024
"""of a table, to count its lines: a larger one would take longer than the look may"""


def watched(name: str, data: Data) -> dict[str, str]:
    """Returns the entry of a recipe in `dvc.yaml`: one's own files, or the code that fetches what is pinned."""
    source = data.source
    if isinstance(source, FolderSource | FileSource):
        return {"source": source.path}
    return {"source": code_file(Path(), name, "source").as_posix()}


def source_signature(project: Path, recipe: Recipe) -> str:
    """Returns what changes when files of one's own are added or edited, beginning with how much there is.

    Names, sizes and times count, no contents are read: `2,099 files (0123456789abcdef)`, `31 lines (...)`; `pinned` for
    other sources. Where DVC tracks the source itself (`dvc add`, `dvc import`), the md5 in its `.dvc` file counts
    instead of times: DVC also writes files that have not changed.

    Raises:
        DataError: there is nothing at `data.source.path`.
    """
    signed = {}
    for field, source in recipe.data.sources.items():
        with own_words(field):
            signed[field] = _signature_of(project, source)
    return ", without labels ".join(signed.values())


def _signature_of(project: Path, source: Source) -> str:
    if not isinstance(source, FolderSource | FileSource):
        return signature(source, project)
    path = own_path(source, project)
    md5 = _tracked_md5(path)
    signed = _signed(path, md5) if md5 else signature(source, project)
    return f"{_amount(path)} ({signed[:16]})"


def _tracked_md5(path: Path) -> str:
    """Returns what DVC says the source is; empty where it does not track it."""
    tracking = path.with_name(f"{path.name}.dvc")
    if not tracking.is_file():
        return ""
    outs = (yaml.safe_load(tracking.read_text(encoding="utf-8")) or {}).get("outs", [])
    return next((str(out.get("md5", "")) for out in outs if out.get("path") == path.name), "")


def _signed(path: Path, md5: str) -> str:
    """Returns a digest of the md5, and of the files that came since."""
    files = own_files(path) if path.is_dir() else [(path.name, path)]
    lines = [name if file.is_dir() else f"{name}:{file.stat().st_size}" for name, file in files]
    return hashlib.sha256("\n".join([md5, *lines]).encode()).hexdigest()


def _amount(path: Path) -> str:
    if path.is_dir():
        return f"{sum(not file.is_dir() for _, file in own_files(path)):,} files"
    size = path.stat().st_size
    if path.suffix.lower() in TABLES and size <= COUNTED_BYTES:
        return f"{_lines(path):,} lines"
    return f"{size:,} bytes"


def _lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1024 * 1024), b""))
