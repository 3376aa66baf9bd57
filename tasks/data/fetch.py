"""The first stage: brings the files of a source, as they are, to `data/NAME/raw`."""

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from params.data import DownloadSource, Source, WheelSource
from params.pipeline import Recipe
from tasks.core.errors import DataError, mismatch
from tasks.core.files import sha256_of, whole_folder
from tasks.data.sources.download import fetch_download, raw_name
from tasks.data.sources.installed import fetch_installed
from tasks.data.sources.own import fetch_file, fetch_folder
from tasks.data.sources.wheel import fetch_wheel, is_pattern

CONTENTS = "contents.json"
Fetcher = Callable[[Any, Path, Path], None]
"""(its section of the recipe, the project's folder, where to put the files)"""
SOURCES: dict[str, Fetcher] = {
    "installed": fetch_installed,
    "wheel": fetch_wheel,
    "download": fetch_download,
    "folder": fetch_folder,
    "file": fetch_file,
}


def fetch(recipe: Recipe, root: Path) -> None:
    """Fills `data/NAME/raw`, and lists its files with their sha256 in `contents.json`.

    Raises:
        DataError: the source is not there, or is not what the recipe says it is.
    """
    source = recipe.data.source
    _check_names(source)
    if source.licence:
        sys.stdout.write(f"licence of {recipe.name}: {source.licence}\n")
    with whole_folder(root / "data" / recipe.name / "raw") as raw:
        SOURCES[source.kind](source, root, raw)
        contents = {path.name: sha256_of(path) for path in sorted(raw.iterdir())}
        (raw / CONTENTS).write_text(json.dumps(contents, indent=2) + "\n", encoding="utf-8")


def _check_names(source: Source) -> None:
    """Refuses files of one name in two folders of a package: only the last part of a name is kept."""
    names: list[str] = list(getattr(source, "files", ()))
    if isinstance(source, WheelSource) and any(is_pattern(name) for name in names):
        return  # packed under their whole names
    short = raw_name if isinstance(source, DownloadSource) else lambda name: PurePosixPath(name).name
    counts = Counter(short(name) for name in names)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise DataError(mismatch("data.source", "files", "files of different names", ", ".join(twice), "take one"))
