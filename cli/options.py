"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from cli.output.console import to_stderr
from params.promote import ENVIRONMENTS
from tasks.core.errors import InputError, mismatch

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe, such as params/digits.yaml.")]
Overrides = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads it at run time
    typer.Option("--set", metavar="FIELD=VALUE", help="Override a field of the recipe; may be given again."),
]
ModelName = Annotated[str, typer.Argument(help="The name of a recipe, such as digits.")]
Version = Annotated[Optional[int], typer.Option(help="Default: the champion of staging.")]  # noqa: UP045
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
