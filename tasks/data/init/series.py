"""Which files of a folder are the two of a published split in the `.ts` format."""

from pathlib import Path
from typing import Any

from tasks.core.errors import DataError, mismatch

SUFFIX = ".ts"
PARTS = ("train", "test")


def recognised_series(path: Path) -> dict[str, Any]:
    """Returns the section of the recipe that reads the `.ts` files of a folder.

    Raises:
        DataError: it is one file alone, or not exactly one file is called as each of the parts is.
    """
    folder = path if path.is_dir() else path.parent
    names = sorted(file.name for file in folder.glob(f"*{SUFFIX}"))
    found = {part: [name for name in names if Path(name).stem.lower().endswith(part)] for part in PARTS}
    if path.is_dir() and all(len(some) == 1 for some in found.values()):
        return {"kind": "time_series", **{part: name for part, (name,) in found.items()}}
    got = ", ".join(f"`{name}`" for name in names) if path.is_dir() else f"`{path.name}`"
    do = f"give `--sequences {folder}`" if path.is_file() else "take the others out, or write the recipe by hand"
    expected = "a folder with one file NAME_TRAIN.ts and one NAME_TEST.ts"
    raise DataError(mismatch(str(path), "", expected, got, do))
