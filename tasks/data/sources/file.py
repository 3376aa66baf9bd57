"""A file of one's own."""

import shutil
from pathlib import Path

from params.data import FileSource
from tasks.data.sources.own import own_path


def fetch(source: FileSource, root: Path, raw: Path) -> None:
    """Copies the file."""
    path = own_path(source, root)
    shutil.copyfile(path, raw / path.name)
