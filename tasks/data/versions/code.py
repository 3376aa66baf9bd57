"""What DVC watches of the code: a file per data stage with the digest of every module that shapes its output.

The versions of the libraries that decode or compute values stand beside them: another Pillow may resize otherwise.

DVC compares files. The code is in a clone or in an installed package, and most changes of it change no sample. So the
digests are written to `data/NAME/code` before DVC looks, and `dvc.yaml` names these files as dependencies.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from params.pipeline import Recipe
from tasks.contracts.records import UNLABELLED
from tasks.core.files import whole_file
from tasks.core.fingerprint import library_versions, names_in, source_files
from tasks.core.record import canonical_digest
from tasks.core.workspace import usual_permissions
from tasks.data.fetch import own_words
from tasks.data.sources.own import signature

FETCH, PREPARE = "tasks.data.fetch:fetch", "tasks.data.prepared.prepare:prepare"
SHAPING = ("tasks/data/", "tasks/kinds/", "tasks/layouts/", "tasks/runtime/preprocess/")
"""what the contracts fix about prepared data has its own number, `format`"""
APART = "tasks/data/versions/"
"""of these, what only decides when a stage runs"""

LIBRARIES = {
    "tasks/data/prepared/shards.py": ("numpy",),
    "tasks/data/readers/audio/sound.py": ("soundfile",),
    "tasks/data/readers/coco_masks/regions.py": ("pillow",),
    "tasks/data/readers/image_masks/values.py": ("pillow",),
    "tasks/data/sources/glyphs.py": ("numpy", "pillow"),
    "tasks/data/sources/shapes.py": ("numpy", "pillow"),
    "tasks/data/sources/writing.py": ("numpy", "pillow"),
    "tasks/runtime/preprocess/frames/drawn.py": ("pillow",),
    "tasks/runtime/preprocess/picture_format.py": ("pillow",),
}
"""module -> distributions whose version may change what it makes; pyarrow reads what a table holds, bit by bit"""


def write_code(folder: Path, recipe: Recipe, project: Path | None = None) -> None:
    """Writes `fetch.json`, `prepare.json` and `source.json`, the part of `fetch.json` that knows the kind of source.

    Args:
        folder: the DVC project.
        recipe: whose stages are about to run.
        project: what paths of the recipe are relative to, where it is another folder.

    Raises:
        DataError: the files without labels are not there.
    """
    data = recipe.data
    fetch = _modules(FETCH, frozenset().union(*map(names_in, data.sources.values())))
    digests = {
        "fetch": fetch,
        "prepare": _modules(PREPARE, names_in(data)),
        "source": {name: digest for name, digest in fetch.items() if name.endswith(f"/{data.source.kind}.py")},
    }
    if data.unlabelled:  # DVC watches one source of a recipe; a change of the other shows here
        source = data.unlabelled.source
        with own_words("data.unlabelled.source"):
            files = signature(source, project or folder)
        digests["fetch"] = fetch | {UNLABELLED: canonical_digest({**source.model_dump(mode="json"), "files": files})}
    for stage, modules in digests.items():
        _write(code_file(folder, recipe.name, stage), json.dumps(modules, indent=2) + "\n")


def libraries_of(recipe: Recipe) -> tuple[str, ...]:
    """Returns the distributions whose version may change the prepared data of a recipe."""
    names = names_in(recipe.data)
    used = (*source_files(FETCH, names), *source_files(PREPARE, names))
    return tuple(_libraries(used))


def code_file(folder: Path, name: str, stage: str) -> Path:
    """Returns the file of a stage: `fetch`, `prepare` or `source`."""
    return folder / "data" / name / "code" / f"{stage}.json"


def _modules(task: str, names: frozenset[str]) -> dict[str, str]:
    found = source_files(task, names).items()
    modules = {name: digest for name, digest in found if name.startswith(SHAPING) and not name.startswith(APART)}
    return modules | {f"library {name}": version for name, version in _libraries(modules).items()}


def _libraries(modules: Iterable[str]) -> dict[str, str]:
    names = sorted({library for module in modules for library in LIBRARIES.get(module, ())})
    return {name: version for name, version in library_versions(names).items() if name in names}


def _write(path: Path, text: str) -> None:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    with usual_permissions(), whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
