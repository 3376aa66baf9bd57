"""Arguments and options that several commands take."""

import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from cli.output.console import to_stderr
from params.promote import ENVIRONMENTS
from tasks.core.errors import InputError, mismatch
from tasks.core.workspace import project_root

LARGEST = 2**31 - 1
"""number of a version"""
Overrides = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads it at run time
    typer.Option("--set", metavar="FIELD=VALUE", help="Override a field of the recipe; may be given again."),
]


def _recipes(incomplete: str) -> list[str]:
    """Returns the names of the recipes in this project, for the completion of a shell."""
    try:
        return sorted(p.stem for p in (project_root() / "params").glob("*.yaml") if p.stem.startswith(incomplete))
    except InputError:
        return []


def _recipe_path(given: Path) -> Path:
    """Returns the path of a recipe; a bare name is that of one in `params/`."""
    if given.suffix or given.parent != Path() or given.exists():
        return given
    return Path(os.path.relpath(project_root() / "params" / f"{given}.yaml"))


RecipePath = Annotated[
    Path,
    typer.Argument(
        metavar="RECIPE",
        help="A recipe, such as params/digits.yaml, or digits for short.",
        callback=_recipe_path,
        autocompletion=_recipes,
    ),
]
ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="The name of a recipe, such as digits.", autocompletion=_recipes)
]
Version = Annotated[Optional[int], typer.Option(min=1, max=LARGEST, help="Default: the champion of staging.")]  # noqa: UP045
AsJson = Annotated[
    bool, typer.Option("--json", callback=to_stderr, help="Print JSON to stdout, and all else to stderr.")
]
Reason = Annotated[str, typer.Option(help="Kept in the ledger.")]


def require_environment(environment: str, verb: str, option: str) -> None:
    """Refuses what is no environment.

    Raises:
        InputError: it is none.
    """
    if environment not in ENVIRONMENTS:
        expected = " or ".join(ENVIRONMENTS)
        raise InputError(mismatch(f"stillhouse {verb}", option, expected, environment, "name one of them"))
