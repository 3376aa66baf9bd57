"""A variant: the same stages on another data section, in a scratch DVC project that git does not see."""

from pathlib import Path
from typing import Any

import yaml

from params.data import Data
from params.pipeline import Recipe
from params.sources import DownloadSource, FileSource, FolderSource, Source
from tasks.core.errors import RecipeError
from tasks.core.files import whole_file
from tasks.core.record import canonical_digest
from tasks.core.workspace import state_dir
from tasks.data.versions.watched import watched
from tasks.kinds.recipes import load_recipe


def is_committed(project: Path, recipe: Recipe) -> bool:
    """Says whether `params/NAME.yaml` has the same data section, so that the project's `dvc.lock` speaks of it."""
    try:
        return load_recipe(project / "params" / f"{recipe.name}.yaml").data == recipe.data
    except RecipeError:
        return False


def variant_folder(recipe: Recipe) -> Path:
    """Returns where the variant for this data section lies; equal sections share it."""
    digest = canonical_digest(recipe.data.model_dump(mode="json"))
    return state_dir() / "variants" / f"{recipe.name}-{digest[:8]}"


def make_variant(project: Path, folder: Path, recipe: Recipe) -> None:
    """Fills `folder`: `dvc.yaml` with this recipe alone, and the recipe with an absolute path."""
    (folder / "params").mkdir(parents=True, exist_ok=True)
    (folder / ".dvc").mkdir(exist_ok=True)
    (folder / ".dvc" / "config").touch()
    data = _anchored(project, recipe.data)
    effective = recipe.model_copy(update={"data": data}).model_dump(mode="json")
    _write(folder / "params" / f"{recipe.name}.yaml", effective)
    pipeline = yaml.safe_load((project / "dvc.yaml").read_text(encoding="utf-8"))
    _write(folder / "dvc.yaml", {**pipeline, "vars": [{"recipes": {recipe.name: watched(recipe.name, data)}}]})


def _anchored(project: Path, data: Data) -> Data:
    """Returns the section with the paths of sources absolute: from here, relative ones would lead elsewhere."""
    further = data.unlabelled
    moved = further and further.model_copy(update={"source": _anchored_source(project, further.source)})
    return data.model_copy(update={"source": _anchored_source(project, data.source), "unlabelled": moved})


def _anchored_source(project: Path, source: Source) -> Source:
    if isinstance(source, FolderSource | FileSource):
        update: dict[str, Any] = {"path": _absolute(project, source.path)}
    elif isinstance(source, DownloadSource):
        update = {"folders": tuple(_absolute(project, folder) for folder in source.folders)}
    else:
        return source
    return source.model_copy(update=update)


def _absolute(project: Path, path: str) -> str:
    return str((project / Path(path).expanduser()).resolve())


def _write(path: Path, value: Any) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
