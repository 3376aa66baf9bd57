"""`stillhouse sweep`: the command of many students of one teacher."""

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

Runner = Optional[Literal["processes", "dask", "ray"]]  # noqa: UP045 - typer reads it at run time


def sweep(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe with a section `sweep`.")],
    override: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--set", metavar="FIELD=VALUE", help="Override a field of the recipe; may be given again."),
    ] = None,
    runner: Annotated[Runner, typer.Option(help="Default: that of the recipe.")] = None,
    workers: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, metavar="N", help="Students that are trained at once."),
    ] = None,
    address: Annotated[str | None, typer.Option(help="Of a Dask or Ray cluster that is there.")] = None,
) -> None:
    """Make many students of one teacher, and say which of them is best."""
    from cli.sweep import sweep_recipe

    asked = {"runner": runner, "workers": workers, "address": address}
    typed = [f"sweep.{name}={value}" for name, value in asked.items() if value is not None]
    sweep_recipe(recipe, [*(override or []), *typed])
