"""A folder of one's own."""

from pathlib import Path

from params.data import FolderSource
from tasks.data.sources.own import own_files, own_path
from tasks.data.sources.tar import packing


def fetch(source: FolderSource, root: Path, raw: Path) -> None:
    """Packs the folder into one tar."""
    with packing(raw) as packer:
        for name, path in own_files(own_path(source, root)):
            if path.is_dir():
                packer.add_folder(name)
            else:
                with path.open("rb") as stream:
                    packer.add_file(name, path.stat().st_size, stream)
