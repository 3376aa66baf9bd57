"""Where the prepared data of a release lies: in its folder, or in DVC's cache once newer data is in its place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tasks.lineage.folders import cached_files

Locate = Callable[[str], Path]
"""name of a prepared file -> where its bytes should lie"""


def prepared_at(folder: Path, name: str, version: str, project: Path) -> Locate:
    """Returns where the files of a data version are.

    Args:
        folder: that it was prepared in, `data/NAME/prepared` of a DVC project.
        name: of the recipe.
        version: the md5 of that folder when the release was made.
        project: where DVC's cache is.
    """
    files = None if _is_there(folder, name, version) else cached_files(project, version)
    if files is None:
        return lambda file: folder / file
    return lambda file: files.get(file, folder / file)


def _is_there(folder: Path, name: str, version: str) -> bool:
    """Says whether the folder holds that version as far as `dvc.lock` knows: what was damaged is there, too."""
    lock = Path(folder, "../../../dvc.lock").resolve()
    if not lock.is_file():
        return True
    stages: dict[str, Any] = (yaml.safe_load(lock.read_text(encoding="utf-8")) or {}).get("stages", {})
    outs = stages.get(f"prepare@{name}", {}).get("outs", [])
    return not outs or version in [out["md5"] for out in outs]
