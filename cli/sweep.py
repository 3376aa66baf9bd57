"""`stillhouse sweep`: the students as a table, the picture, and the line that runs the best."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from cli.console import bullet_list, command, console, interval_cell, shown, warn
from cli.options import Overrides
from flows.run import project_of
from flows.sweep.search import label_of
from flows.sweep.search_space import SearchSpace
from infra.services.prefect_server import start_prefect_api
from tasks.contracts.words import interval_in_digits
from tasks.core.errors import UnreachableError, mismatch
from tasks.core.files import local_path
from tasks.core.servers import answers, without_login
from tasks.core.workspace import prepare_environment
from tasks.kinds.limits import deciding

if TYPE_CHECKING:
    from flows.sweep.ranking import RankedTrial
    from flows.sweep.sweep import SweepResult

Runner = Optional[Literal["processes", "dask", "ray"]]  # noqa: UP045 - typer reads it at run time


def sweep(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe with a section `sweep`.")],
    override: Overrides = None,
    runner: Annotated[Runner, typer.Option(help="Default: that of the recipe.")] = None,
    workers: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, metavar="N", help="Students that are trained at once."),
    ] = None,
    address: Annotated[str | None, typer.Option(help="Of a Dask or Ray cluster that is there.")] = None,
) -> None:
    """Make many students of one teacher, and say which of them is best."""
    asked = {"runner": runner, "workers": workers, "address": address}
    typed = [f"sweep.{name}={value}" for name, value in asked.items() if value is not None]
    space = SearchSpace.open(project_of(recipe), recipe, [*(override or []), *typed])
    for line in space.advice():
        warn(line)
    prepare_environment()
    _reach(space.sweep.address)
    with shown():
        ready = start_prefect_api()
        from flows.sweep.sweep import run_sweep

        swept = run_sweep(space, ready)
    _say(space, swept)


def _reach(address: str | None) -> None:
    """Raises where a cluster does not answer: Dask and Ray would ask it for a minute, when the teacher is trained."""
    if address and not answers(address if "://" in address else f"//{address}"):
        do = "start that cluster, or leave `address` out for one on this machine"
        raise UnreachableError(mismatch("sweep", "address", f"an answer from {without_login(address)}", "none", do))


def _say(space: SearchSpace, swept: "SweepResult") -> None:
    best, count = swept.ranking[0], len(swept.ranking) + len(swept.failed)
    workers = f"{space.sweep.workers} worker{'s' if space.sweep.workers > 1 else ''}"
    workers = f"the cluster at {without_login(space.sweep.address)}" if space.sweep.address else workers
    console.print()
    console.print(_table(space, swept.ranking))
    console.print(f"{count} students in {swept.seconds:.1f} s on {workers} ({space.sweep.runner})", soft_wrap=True)
    for failed in swept.failed:
        console.print(f"[red]failed[/] {escape(f'{label_of(failed.values)}: {failed.reason}')}", soft_wrap=True)
    if best.refusals:
        title = "[yellow]warning[/] no student keeps every limit of the gates; the nearest breaks:"
        console.print(bullet_list(title, best.refusals), soft_wrap=True)
    metric = deciding(swept.evaluation.data.task)
    quality = f"{metric.title} {interval_in_digits(swept.evaluation.shipped.metrics[metric.name])}"
    console.print(f"\nbest: [bold]{escape(best.variant.label)}[/], as {swept.evaluation.chosen}", soft_wrap=True)
    console.print(f"on the test split, which only this one has seen: {quality}", soft_wrap=True)
    path = local_path(swept.front.uri)
    console.print(f"front: {(path and os.path.relpath(path)) or swept.front.uri}", soft_wrap=True)
    console.print(bullet_list("Next:", [escape(line_to_run(space, best))]), soft_wrap=True)


def line_to_run(space: SearchSpace, best: "RankedTrial") -> str:
    """Returns what is typed to run the recipe with the best student; all but its registration is done by then."""
    settings = (*space.overrides, *best.variant.settings)
    said = " ".join(f"--set {shlex.quote(one)}" for one in settings if not one.startswith("sweep"))
    return f"{command()} run {space.path} {said}"


def _table(space: SearchSpace, ranking: Sequence["RankedTrial"]) -> Table:
    title = f"{space.recipe.name}: students on validation data, the best first"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, title_style="bold")
    table.add_column("")
    metric = deciding(space.recipe.data.task)
    for heading in (f"{metric.title} (interval)", "bytes", "p50 ms", "gates"):
        table.add_column(heading, justify="right", no_wrap=True)
    for place, one in enumerate(ranking, start=1):
        score = one.score
        gates = f"{len(one.refusals)} broken" if one.refusals else "kept"
        table.add_row(
            escape(f"{place} {one.variant.label}"),
            interval_cell(metric, score),
            f"{score.size:,}",
            f"{score.p50_ms:.3f}",
            gates,
            style="bold" if place == 1 else "",
        )
    return table
