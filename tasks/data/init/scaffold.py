"""A first recipe for one's own data: looks at the data, writes `params/NAME.yaml` and its entry in `dvc.yaml`."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from params.data import Data
from params.section import NAME_PATTERN
from tasks.core.errors import InputError, mismatch, printable
from tasks.core.files import whole_file
from tasks.data.init import sequences as sequence_files
from tasks.data.init import tables
from tasks.data.init.audio import recipe as recordings
from tasks.data.init.boxes import recipe as boxed
from tasks.data.init.masks import recipe as masked
from tasks.data.init.masks.pairs import common_folder
from tasks.data.init.pictures import identities as identified
from tasks.data.init.pictures import recipe as pictures
from tasks.data.init.understanding import Understanding
from tasks.data.init.unlabelled import with_unlabelled
from tasks.data.versions.pipeline import listed, with_entry
from tasks.kinds.recipe_schema import FILE, LINE, schema_text
from tasks.kinds.recipes import load_recipe


def understand(
    project: Path,
    name: str,
    images: Path | None = None,
    table: Path | None = None,
    label: str | None = None,
    sequences: Path | None = None,
    masks: Path | None = None,
    unlabelled: Path | None = None,
    audio: Path | None = None,
    boxes: Path | None = None,
    identities: Path | None = None,
) -> Understanding:
    """Looks at data for which a recipe is to be written; writes nothing.

    Args:
        project: the folder with `dvc.yaml`.
        name: of the new recipe.
        images: a folder with one folder per class; relative paths are meant from the current folder.
        table: a CSV or Parquet file.
        label: the table's column that holds the class; where none is given, `label`, `target`, `class` or `y`.
        masks: beside `images`, a folder with a mask for each picture; then `images` needs no folder per class.
        audio: a folder with one folder of recordings per word.
        boxes: beside `images`, a file or folder of annotations with boxes; then `images` needs no folder per class.
        identities: a folder with one folder of pictures per identity.
        sequences: a CSV or Parquet file with a row per frame or per sequence, an `.npz`, or a folder of `.npy`.
        unlabelled: a file or a folder of further samples, without labels.

    Raises:
        InputError: the name cannot be used, or not exactly one of `images`, `table`, `sequences`, `audio` and
            `identities` is given.
        DataError: the data cannot be used.
    """
    _check_name(project, name)
    _check_beside_images(images, {"--masks": masks, "--boxes": boxes})
    given = {
        "--images PATH": images,
        "--table FILE": table,
        "--sequences PATH": sequences,
        "--audio PATH": audio,
        "--identities PATH": identities,
    }
    if sum(path is not None for path in given.values()) != 1:
        got = " and ".join(option for option, path in given.items() if path is not None) or "none"
        do = "give one of them"
        raise InputError(mismatch("stillhouse init", "", f"one of {', '.join(given)}", got, do))
    found = _understood(project, name, images, table, label, sequences, masks, audio, boxes, identities)
    if unlabelled is None:
        return found
    return with_unlabelled(found, _source_path(project, unlabelled, name), unlabelled.expanduser())


def _understood(
    project: Path,
    name: str,
    images: Path | None,
    table: Path | None,
    label: str | None,
    sequences: Path | None,
    masks: Path | None,
    audio: Path | None,
    boxes: Path | None,
    identities: Path | None,
) -> Understanding:
    if images is not None and masks is not None:
        root = common_folder(images, masks)
        return masked.understand(name, _source_path(project, root, name), images, masks, root)
    if images is not None and boxes is not None:
        root = boxed.common_root(images, boxes)
        return boxed.understand(name, _source_path(project, root, name), images, boxes, root)
    if images is not None:
        return pictures.understand(name, _source_path(project, images, name), images)
    if audio is not None:
        return recordings.understand(name, _source_path(project, audio, name), audio)
    if identities is not None:
        return identified.understand(name, _source_path(project, identities, name), identities)
    if sequences is not None:
        return sequence_files.understand(name, _source_path(project, sequences, name), sequences, label)
    assert table is not None  # exactly one is given
    return tables.understand(name, _source_path(project, table, name), table, label)


def _check_beside_images(images: Path | None, beside: Mapping[str, Path | None]) -> None:
    """Refuses what goes with pictures and has none beside it, and two of a kind."""
    given = [option for option, path in beside.items() if path is not None]
    if given and images is None:
        raise InputError(mismatch("stillhouse init", given[0], "`--images PATH` beside it", "none", "give both"))
    if len(given) > 1:
        raise InputError(mismatch("stillhouse init", "", "one of them", " and ".join(given), "leave one out"))


def write_recipe(project: Path, name: str, recipe: str) -> tuple[Path, ...]:
    """Writes a recipe that was made by `understand`, and lists it in `dvc.yaml`; both files or none.

    Returns:
        The files that were written.
    """
    pipeline, path = project / "dvc.yaml", project / "params" / f"{name}.yaml"
    _write_both(path, LINE + recipe, pipeline, with_entry(pipeline, name, _checked(name, recipe)))
    schema = path.with_name(FILE)
    schema.write_text(schema_text(), encoding="utf-8")
    return path, pipeline, schema


def _check_name(project: Path, name: str) -> None:
    if not re.fullmatch(NAME_PATTERN, name):
        expected = "a name of at most 40 small letters, digits and `-` that begins with a letter"
        raise InputError(mismatch("stillhouse init", "NAME", expected, f"`{name}`", "choose another"))
    path = project / "params" / f"{name}.yaml"
    if path.exists() or name in listed(project / "dvc.yaml"):
        where = str(path) if path.exists() else "dvc.yaml"
        raise InputError(mismatch(where, "", "no recipe of that name", f"`{name}`", "choose another name"))


def _source_path(project: Path, path: Path, name: str) -> str:
    """Returns how the recipe names the data: from the project's folder if it is in there, else absolute."""
    absolute, root = path.expanduser().absolute(), project.absolute()
    if printable(str(absolute)) != str(absolute):
        expected = "a path that can be written into a recipe"
        raise InputError(mismatch(printable(str(path)), "", expected, "other characters in it", "rename it"))
    ours = root / "data" / name
    if absolute.is_relative_to(ours) or ours.is_relative_to(absolute):
        raise InputError(mismatch(str(path), "", f"data apart from `{ours}`, which is written to", "both", "move it"))
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else str(absolute)


def _checked(name: str, text: str) -> Data:
    """Reads the recipe as `stillhouse run` will, before it is put where that would find it; returns its data."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.yaml")
        path.write_text(text, encoding="utf-8")
        return load_recipe(path).data


def _write_both(recipe: Path, text: str, pipeline: Path, entries: str) -> None:
    with whole_file(recipe) as temporary:
        temporary.write_text(text, encoding="utf-8")
    try:
        with whole_file(pipeline) as temporary:
            temporary.write_text(entries, encoding="utf-8")
    except BaseException:
        recipe.unlink()
        raise
