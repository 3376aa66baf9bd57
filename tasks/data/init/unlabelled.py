"""Samples without labels in a first recipe: a second source beside that of the samples with labels."""

from dataclasses import replace
from pathlib import Path

from tasks.core.errors import InputError, mismatch
from tasks.data.init.templates import quoted
from tasks.data.init.understanding import Understanding
from tasks.data.sources.own import own_files

SOURCE = """\
  unlabelled:                  # only the teacher tells about these
    source:
      kind: {kind}
      path: {path}
  split:
"""
COMPRESS = "\ncompress:\n"
SHARE = "  unlabelled_share: 0.5        # part of each batch that has no labels\n"


def with_unlabelled(understood: Understanding, source: str, path: Path) -> Understanding:
    """Returns what was understood, with a further source in the recipe.

    Args:
        understood: of the samples with labels.
        source: how the recipe names the other samples.
        path: where they are.

    Raises:
        InputError: there is nothing.
        DataError: something there cannot be read.
    """
    if not path.exists():
        do = "correct the path"
        raise InputError(mismatch("stillhouse init", "--unlabelled", "a folder or a file", f"nothing at `{path}`", do))
    files = [name for name, file in own_files(path) if not file.is_dir()] if path.is_dir() else [path.name]
    if not files:
        got, do = f"an empty folder, `{path}`", "give the folder with the samples that have no label"
        raise InputError(mismatch("stillhouse init", "--unlabelled", "files", got, do))
    entry = SOURCE.format(kind="folder" if path.is_dir() else "file", path=quoted(source))
    recipe = understood.recipe.replace("  split:\n", entry, 1).replace(COMPRESS, SHARE + COMPRESS, 1)
    told = (
        f"{len(files):,} file{'s' * (len(files) != 1)} without labels in `{path}`: only the teacher tells about them."
    )
    return replace(understood, recipe=recipe, notes=(*understood.notes, told))
