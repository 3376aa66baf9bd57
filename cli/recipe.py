"""`stillhouse new`, `init` and `check`: a project and a recipe before anything runs."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from cli.options import Overrides, RecipePath
from cli.output.console import say, say_json, say_list, say_table, warn
from cli.output.evaluation import say_left_out
from flows.recipe_checks import advice_on
from flows.run import load
from tasks.core.workspace import project_root
from tasks.data.versions.versioning import data_folder, recorded_data
from tasks.kinds.recipe_schema import recipe_schema


def check(recipe: RecipePath, override: Overrides = None) -> None:
    """Say whether a recipe is valid, and what in it is unwise; run nothing."""
    project, loaded = load(recipe, override or [])
    for line in advice_on(project, loaded):
        warn(line)
    say(f"{recipe}: valid")
    if data := recorded_data(data_folder(project, loaded), loaded.name):
        say_left_out(data)
        for line in data.warnings:
            warn(line)


def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
) -> None:
    """Write a project of your own with one example: params/, dvc.yaml, git and DVC ready."""
    from tasks.data.init.project import new_project

    project = new_project(folder)
    say_list("Written:", [str(path) for path in project.written])
    if project.uncommitted:
        warn(f"not committed: {project.uncommitted}; commit it, so that a model's lineage names a commit")
    say(f"Next: cd {folder} && stillhouse run params/digits.yaml")


def schema() -> None:
    """Print the JSON schema of a recipe, which editors check and complete with."""
    say_json(recipe_schema())


def init(
    name: Annotated[str, typer.Argument(help="The name of your product: lower case, digits, hyphens.")],
    images: Annotated[Optional[Path], typer.Option(help="A folder with one folder of images per class.")] = None,  # noqa: UP045
    masks: Annotated[Optional[Path], typer.Option(help="Beside --images: a folder with a mask of each.")] = None,  # noqa: UP045
    boxes: Annotated[Optional[Path], typer.Option(help="Beside --images: COCO, YOLO, VOC or CSV boxes.")] = None,  # noqa: UP045
    table: Annotated[Optional[Path], typer.Option(help="A CSV or Parquet file with a label column.")] = None,  # noqa: UP045
    sequences: Annotated[Optional[Path], typer.Option(help="A CSV or numpy file with sequences.")] = None,  # noqa: UP045
    audio: Annotated[Optional[Path], typer.Option(help="A folder with one folder of recordings per word.")] = None,  # noqa: UP045
    identities: Annotated[Optional[Path], typer.Option(help="A folder with a folder of images per identity.")] = None,  # noqa: UP045
    label: Annotated[Optional[str], typer.Option(help="The label column of the table.")] = None,  # noqa: UP045
    unlabelled: Annotated[Optional[Path], typer.Option(help="A file or folder of samples without labels.")] = None,  # noqa: UP045
) -> None:
    """Write a recipe for data of your own, and its entry in dvc.yaml."""
    from tasks.data.init.scaffold import understand, write_recipe

    understood = understand(
        project_root(), name, images, table, label, sequences, masks, unlabelled, audio, boxes, identities
    )
    if understood.rows:
        say_table(understood.headings, understood.rows)
    for note in understood.notes:
        say(note)
    written = write_recipe(project_root(), name, understood.recipe)
    say_list("Written:", [str(item) for item in written])
    say(f"Next: stillhouse run params/{name}.yaml")
