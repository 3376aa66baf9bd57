"""Where the prepared data of a release lies: in its folder, or in DVC's cache once newer data is in its place."""

from collections.abc import Callable
from pathlib import Path

from tasks.registry.lineage.folders import cached_files, is_current

Locate = Callable[[str], Path]
"""name of a prepared file -> where its bytes should lie"""


def prepared_at(folder: Path, version: str, project: Path) -> Locate:
    """Returns where the files of a data version are.

    Args:
        folder: that it was prepared in, `data/NAME/prepared` of a DVC project.
        version: the md5 of that folder when the release was made.
        project: where DVC's cache is.
    """
    files = None if is_current(folder, version) else cached_files(project, version)
    if files is None:
        return lambda file: folder / file
    return lambda file: files.get(file, folder / file)
