"""A folder of one's own."""

import os
from pathlib import Path

from params.sources import FolderSource
from tasks.data.sources.own import own_files, own_path, unreadable
from tasks.data.sources.tar import Packer, packing


def fetch(source: FolderSource, root: Path, raw: Path) -> None:
    """Packs the folder into one tar.

    Raises:
        DataError: it is not there, or something in it cannot be read; all of it by name.
    """
    with packing(raw) as packer:
        for name, path in own_files(own_path(source, root)):
            pack(packer, name, path)


def pack(packer: Packer, name: str, path: Path) -> None:
    """Adds a file or an empty folder.

    Raises:
        DataError: it is gone since it was listed, or cannot be read.
    """
    try:
        if path.is_dir():
            packer.add_folder(name)
            return
        with path.open("rb") as stream:
            packer.add_file(name, os.fstat(stream.fileno()).st_size, stream)
    except OSError as error:
        raise unreadable(path, error) from None
