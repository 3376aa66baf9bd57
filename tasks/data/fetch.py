"""The first stage: brings the files of a source, as they are, to `data/NAME/raw`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from params.pipeline import Recipe
from params.sources import Source
from tasks.contracts.records import UNLABELLED
from tasks.core.errors import DataError
from tasks.core.files import sha256_of, whole_folder
from tasks.core.plugins import load

CONTENTS = "contents.json"


def fetch(recipe: Recipe, root: Path) -> None:
    """Fills `data/NAME/raw`, and lists its files with their sha256 in `contents.json`.

    What the source of samples without labels holds comes into the folder `unlabelled` there, which has its own list.

    Raises:
        DataError: a source is not there, or is not what the recipe says it is.
    """
    for licence in dict.fromkeys(source.licence for source in recipe.data.sources.values() if source.licence):
        sys.stdout.write(f"licence of {recipe.name}: {licence}\n")
    with whole_folder(root / "data" / recipe.name / "raw") as raw:
        for field, source in recipe.data.sources.items():
            folder = raw if field == "data.source" else raw / UNLABELLED
            folder.mkdir(exist_ok=True)
            with own_words(field):
                _fetch(source, root, folder)


def _fetch(source: Source, root: Path, folder: Path) -> None:
    load("tasks.data.sources.{}", source.kind).fetch(source, root, folder)
    contents = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    (folder / CONTENTS).write_text(json.dumps(contents, indent=2) + "\n", encoding="utf-8")


@contextmanager
def own_words(field: str) -> Iterator[None]:
    """Names the field of a second source in what is told of it: sources know themselves as `data.source`."""
    try:
        yield
    except DataError as error:
        raise DataError(str(error).replace("`data.source", f"`{field}")) from None
