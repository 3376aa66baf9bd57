"""The first stage: brings the files of a source, as they are, to `data/NAME/raw`."""

import json
import sys
from pathlib import Path

from params.pipeline import Recipe
from tasks.core.files import sha256_of, whole_folder
from tasks.core.plugins import load

CONTENTS = "contents.json"


def fetch(recipe: Recipe, root: Path) -> None:
    """Fills `data/NAME/raw`, and lists its files with their sha256 in `contents.json`.

    Raises:
        DataError: the source is not there, or is not what the recipe says it is.
    """
    source = recipe.data.source
    if source.licence:
        sys.stdout.write(f"licence of {recipe.name}: {source.licence}\n")
    with whole_folder(root / "data" / recipe.name / "raw") as raw:
        load("tasks.data.sources.{}", source.kind).fetch(source, root, raw)
        contents = {path.name: sha256_of(path) for path in sorted(raw.iterdir())}
        (raw / CONTENTS).write_text(json.dumps(contents, indent=2) + "\n", encoding="utf-8")
