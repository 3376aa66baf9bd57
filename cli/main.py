"""The `stillhouse` command: a thin layer over the flows.

Nothing heavy is imported before a command needs it, so that `--help` answers at once.
"""

import atexit
import sys
from gc import freeze
from pathlib import Path
from typing import Annotated, Optional

import typer

from cli.channel_app import channel_app
from cli.sweep_app import sweep
from tasks.core.addresses import without_login
from tasks.core.errors import InputError, StillhouseError, mismatch
from tasks.core.servers import named_servers, unreachable
from tasks.runtime.errors import RuntimeBundleError

app = typer.Typer(
    help="Distill large networks into small ones for the edge, and keep doing so.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe, such as params/digits.yaml.")]
Overrides = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads it at run time
    typer.Option("--set", metavar="FIELD=VALUE", help="Override a field of the recipe; may be given again."),
]
app.add_typer(channel_app, name="channel")
_debug = False


@app.callback()
def options(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False) -> None:
    """Takes the options that stand before the command."""
    global _debug
    _debug = debug


@app.command()
def run(
    recipe: RecipePath,
    override: Overrides = None,
    force: Annotated[bool, typer.Option("--force", help="Run even if nothing changed.")] = False,
) -> None:
    """Make a student: data, teacher, student, compression, evaluation, registry, gate."""
    from cli.recipe import run_recipe

    run_recipe(recipe, override or [], force)


app.command()(sweep)


@app.command()
def schedule(
    recipe: RecipePath,
    cron: Annotated[str, typer.Option(help='When to look for changes, such as "0 2 * * 1".')],
    timezone: Annotated[str, typer.Option(help="Of the cron line, such as Europe/Berlin.")] = "UTC",
    overlap: Annotated[str, typer.Option(help="skip, queue or replace.")] = "skip",
) -> None:
    """Retrain by the clock where anything changed, until Ctrl-C."""
    from cli.schedule import serve_schedule

    serve_schedule(recipe, cron, timezone, overlap)


@app.command()
def check(recipe: RecipePath, override: Overrides = None) -> None:
    """Say whether a recipe is valid, and what in it is unwise; run nothing."""
    from cli.recipe import check_recipe

    check_recipe(recipe, override or [])


@app.command()
def promote(
    model: Annotated[str, typer.Argument(help="The name of a recipe, such as digits.")],
    to: Annotated[str, typer.Option("--to", help="staging or edge.")],
    version: Annotated[Optional[int], typer.Option(help="Default: the champion of staging.")] = None,  # noqa: UP045
    reason: Annotated[str, typer.Option(help="Kept in the ledger.")] = "by hand",
) -> None:
    """Show a release to the gate of an environment, and move the alias if it passes."""
    from cli.gates import promote_model

    promote_model(model, to, version, reason)


@app.command()
def approve(
    model: Annotated[str, typer.Argument(help="The name of a recipe, such as digits.")],
    to: Annotated[str, typer.Option("--to", help="staging or edge.")],
    version: Annotated[Optional[int], typer.Option(help="Default: the champion of staging.")] = None,  # noqa: UP045
    reason: Annotated[str, typer.Option(help="Kept in the ledger.")] = "by hand",
) -> None:
    """Say that a release may enter an environment whose gate asks a person, and show it to that gate."""
    from cli.gates import approve_model

    approve_model(model, to, version, reason)


@app.command()
def rollback(
    model: Annotated[str, typer.Argument(help="The name of a recipe, such as digits.")],
    environment: Annotated[str, typer.Option("--from", help="staging or edge.")],
    reason: Annotated[str, typer.Option(help="Kept in the ledger.")] = "by hand",
) -> None:
    """Move an environment back to the release that led it before."""
    from cli.status import roll_back_model

    roll_back_model(model, environment, reason)


@app.command()
def history(model: Annotated[str, typer.Argument(help="The name of a recipe, such as digits.")]) -> None:
    """Print every decision about a model: when, who, what, and why."""
    from cli.status import show_history

    show_history(model)


@app.command()
def status() -> None:
    """Say which version leads each environment of each model."""
    from cli.status import show_status

    show_status()


@app.command()
def audit(
    repair: Annotated[bool, typer.Option("--repair", help="Put aliases back, publish channels anew.")] = False,
) -> None:
    """Verify the chain of decisions, and that every alias in MLflow and every channel agrees with it."""
    from cli.status import check_ledger

    check_ledger(repair)


@app.command()
def reconcile() -> None:
    """Close what a killed process left open in MLflow and Prefect, and finish promotions that it began."""
    from cli.recipe import reconcile_project

    reconcile_project()


@app.command()
def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="Hash all of DVC's cache, not only a sample.")] = False,
) -> None:
    """Look for what may be wrong on this machine, and say what mends it."""
    from cli.doctor import examine

    examine(deep)


@app.command()
def gc(
    keep: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Remove all but the newest N versions, too.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="With --version: remove this version, too.")] = None,
    version: Annotated[int | None, typer.Option(help="Of the model.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
) -> None:
    """Remove what no alias, no decision and no lineage needs, and say how much of what that was."""
    from cli.gc import collect_garbage

    collect_garbage(keep, model, version, dry_run)


@app.command()
def lineage(
    environment: Annotated[str, typer.Argument(help="staging or edge.")] = "edge",
    model: Annotated[Optional[str], typer.Option(help="Default: every model.")] = None,  # noqa: UP045
    version: Annotated[Optional[int], typer.Option(help="Default: the champion of the environment.")] = None,  # noqa: UP045
    verify: Annotated[bool, typer.Option("--verify", help="Hash all files again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    data: Annotated[str | None, typer.Option(help="Backward: an md5, a sha256 or a file; what did it reach?")] = None,
    teacher: Annotated[Optional[str], typer.Option(help="A teacher's version: what did it reach?")] = None,  # noqa: UP045
) -> None:
    """Say what the model in an environment is made of, or what a piece of data reached."""
    from cli.lineage import show_lineage, show_reach

    if data or teacher:
        show_reach(data or teacher or "", teacher=data is None)
    else:
        show_lineage(environment, model, version, verify, as_json)


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="The name of your product: lower case, digits, hyphens.")],
    images: Annotated[Optional[Path], typer.Option(help="A folder with one folder of images per class.")] = None,  # noqa: UP045
    table: Annotated[Optional[Path], typer.Option(help="A CSV or Parquet file with a label column.")] = None,  # noqa: UP045
    label: Annotated[Optional[str], typer.Option(help="The label column of the table.")] = None,  # noqa: UP045
) -> None:
    """Write a recipe for data of your own, and its entry in dvc.yaml."""
    from cli.recipe import init_recipe

    if (images is None) == (table is None):
        got = "neither" if images is None else "both"
        raise InputError(mismatch("stillhouse init", "", "one of `--images` and `--table`", got, "give one of them"))
    init_recipe(name, images, table, label)


@app.command()
def ui(
    browser: Annotated[bool, typer.Option(help="Open the pages in a browser.")] = True,
) -> None:
    """Serve MLflow's and Prefect's own pages on the state of this project, until Ctrl-C."""
    from cli.ui import serve_pages

    serve_pages(browser)


@app.command()
def team(
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many runs may go on at once.")] = 2,
) -> None:
    """Serve a team's stack on this machine (PostgreSQL, MLflow, Prefect, workers), until Ctrl-C."""
    from infra.services.team import serve_team

    serve_team(workers)


def main() -> None:
    """Runs the command; one message and an exit code for whatever goes wrong."""
    named = named_servers()  # before a server of our own is put there
    atexit.register(freeze)  # else Python looks through a million objects for cycles, only to throw all of them away
    try:
        app()
    except StillhouseError as error:
        _end(str(error), error.exit_code, error)
    except RuntimeBundleError as error:
        _end(str(error), 1, error)
    except Exception as error:
        _end_if_disk_is_full(error)
        if silent := unreachable(named):
            _end(str(silent), silent.exit_code, error)
        said = f"{type(error).__name__}: {error}".strip()
        _end(f"unexpected error: {said}\n`stillhouse --debug ...` shows where it came from", 1, error)


def _end_if_disk_is_full(error: Exception) -> None:
    from tasks.core.disk import disk_full
    from tasks.core.workspace import state_dir

    if full := disk_full(error, state_dir()):
        _end(str(full), full.exit_code, error)


def _end(message: str, code: int, error: BaseException) -> None:
    if _debug:
        raise error
    sys.stderr.write(f"stillhouse: {without_login(message)}\n")
    # CPython remembers a Ctrl-C that left code given as text, of which Prefect and pydantic make some, and begun with
    # `-m` it would end by that signal whatever the exit code; text that is evaluated to its end makes it forget.
    eval("None")
    sys.exit(code)


if __name__ == "__main__":
    main()
