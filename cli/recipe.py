"""`stillhouse check` and `init`: a recipe before it runs."""

from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.markup import escape

from cli.console import bullet_list, console, say_quarantine, table_of, warn
from cli.options import Overrides, RecipePath
from flows.recipe_checks import advice_on
from flows.run import load
from tasks.core.workspace import project_root
from tasks.data.versions.versioning import data_folder, recorded_data


def check(recipe: RecipePath, override: Overrides = None) -> None:
    """Say whether a recipe is valid, and what in it is unwise; run nothing."""
    project, loaded = load(recipe, override or [])
    for line in advice_on(project, loaded):
        warn(line)
    console.print(f"{recipe}: valid", soft_wrap=True)
    if data := recorded_data(data_folder(project, loaded), loaded.name):
        say_quarantine(data)


def init(
    name: Annotated[str, typer.Argument(help="The name of your product: lower case, digits, hyphens.")],
    images: Annotated[Optional[Path], typer.Option(help="A folder with one folder of images per class.")] = None,  # noqa: UP045
    table: Annotated[Optional[Path], typer.Option(help="A CSV or Parquet file with a label column.")] = None,  # noqa: UP045
    label: Annotated[Optional[str], typer.Option(help="The label column of the table.")] = None,  # noqa: UP045
) -> None:
    """Write a recipe for data of your own, and its entry in dvc.yaml."""
    from tasks.data.init.scaffold import understand, write_recipe

    understood = understand(project_root(), name, images, table, label)
    if understood.rows:
        console.print(table_of(understood.headings, understood.rows))
    for note in understood.notes:
        console.print(escape(note), soft_wrap=True)
    written = write_recipe(project_root(), name, understood.recipe)
    console.print(escape(bullet_list("Written:", [str(item) for item in written])), soft_wrap=True)
    console.print(f"Next: stillhouse run params/{name}.yaml")
