"""`stillhouse sweep`: the students as a table, the picture, and the line that runs the best."""

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from cli.options import AsJson, Overrides, RecipePath
from cli.output.console import command, say, say_json, say_list, say_table, warn
from cli.output.evaluation import interval_cell
from cli.output.stages import shown
from flows.run import project_of
from flows.sweep.search import label_of
from flows.sweep.search_space import SearchSpace
from infra.services.prefect_server import start_prefect_api
from tasks.contracts.words import interval_in_digits
from tasks.core.environment import prepare_environment
from tasks.core.errors import UnreachableError, mismatch
from tasks.core.files import local_path
from tasks.core.servers import answers, without_login
from tasks.kinds.limits import deciding

if TYPE_CHECKING:
    from flows.sweep.ranking import RankedTrial
    from flows.sweep.sweep import SweepResult

Runner = Optional[Literal["processes", "dask", "ray"]]  # noqa: UP045 - typer reads it at run time


def sweep(
    recipe: RecipePath,
    override: Overrides = None,
    runner: Annotated[Runner, typer.Option(help="Default: that of the recipe.")] = None,
    workers: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, metavar="N", help="Students that are trained at once."),
    ] = None,
    address: Annotated[str | None, typer.Option(help="Of a Dask or Ray cluster that is there.")] = None,
    as_json: AsJson = False,
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
    if as_json:
        say_json(_facts(space, swept))
    else:
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
    say()
    _say_table(space, swept.ranking)
    say(f"{count} students in {swept.seconds:.1f} s on {workers} ({space.sweep.runner})")
    for failed in swept.failed:
        say(("failed", "red"), f" {label_of(failed.values)}: {failed.reason}")
    if best.refusals:
        warn("no student keeps every limit of the gates; the nearest breaks:")
        for refusal in best.refusals:
            say(f"  - {refusal}")
    metric = deciding(swept.evaluation.data.task)
    quality = f"{metric.title} {interval_in_digits(swept.evaluation.shipped.metrics[metric.name])}"
    say()
    say("best: ", (best.variant.label, "bold"), f", as {swept.evaluation.chosen}")
    say(f"on the test split, which only this one has seen: {quality}")
    path = local_path(swept.front.uri)
    say(f"front: {(path and os.path.relpath(path)) or swept.front.uri}")
    say_list("Next:", [line_to_run(space, best)])


def line_to_run(space: SearchSpace, best: "RankedTrial") -> str:
    """Returns what is typed to run the recipe with the best student; all but its registration is done by then."""
    settings = (*space.overrides, *best.variant.settings)
    said = " ".join(f"--set {shlex.quote(one)}" for one in settings if not one.startswith("sweep"))
    return f"{command()} run {space.path} {said}"


def _say_table(space: SearchSpace, ranking: Sequence["RankedTrial"]) -> None:
    title = f"{space.recipe.name}: students on validation data, the best first"
    metric = deciding(space.recipe.data.task)
    headings = ("", f"{metric.title} (interval)", "bytes", "p50 ms", "gates")
    rows = [
        (
            f"{place} {one.variant.label}",
            interval_cell(metric, one.score),
            f"{one.score.size:,}",
            f"{one.score.p50_ms:.3f}",
            f"{len(one.refusals)} broken" if one.refusals else "kept",
        )
        for place, one in enumerate(ranking, start=1)
    ]
    say_table(headings, rows, title, numbers=True, strong=0)


def _facts(space: SearchSpace, swept: "SweepResult") -> dict[str, Any]:
    """Returns what a sweep came to, for machines."""
    ranking = [
        {"settings": one.variant.settings, "score": one.score.model_dump(mode="json"), "breaks": one.refusals}
        for one in swept.ranking
    ]
    best = swept.evaluation
    return {
        "recipe": space.recipe.name,
        "seconds": round(swept.seconds, 1),
        "students": ranking,
        "failed": [{"values": one.values, "reason": one.reason} for one in swept.failed],
        "best_on_test": {"candidate": best.chosen, "score": best.shipped.model_dump(mode="json")},
        "front": swept.front.uri,
        "run": line_to_run(space, swept.ranking[0]),
    }
