"""What the commands around a recipe do, in the terms of a person at a terminal.

A run that has nothing to do imports no more than it needs to find that out.
"""

from pathlib import Path

from cli.console import bullet_list, console, say_quarantine
from flows.changes import Comparison, compare, standstill
from infra.services.prefect_server import start_prefect_api
from params.pipeline import Recipe
from tasks.core.errors import InputError, mismatch
from tasks.core.recipes import load_recipe
from tasks.core.workspace import prepare_environment, project_root
from tasks.data.versions.versioning import data_folder, recorded_data
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.checks import add_check

BY_HAND = "by hand"


def run_recipe(path: Path, overrides: list[str], force: bool) -> None:
    """Runs a recipe unless nothing changed since it last ran."""
    project, recipe = load(path, overrides)
    prepare_environment()
    # What never ran will run, and the server takes longer to start than everything that comes before it is needed.
    ready = None if ledger.last_run(recipe.name) else start_prefect_api()
    comparison = compare(project, recipe)
    if not comparison.changes and not force:
        note_nothing_changed(recipe, comparison, BY_HAND)
        return
    from cli.run import run_and_show

    console.print(f"[bold]{recipe.name}[/]: running because {why(comparison)}", soft_wrap=True)
    run_and_show(project, recipe, comparison, ready)


def reconcile_project() -> None:
    """Closes what killed processes left open, finishes interrupted promotions, and says what that was."""
    prepare_environment()
    from tasks.registry.promotion import reconcile as finish

    ready = start_prefect_api()
    for line in finish():
        console.print(f"[yellow]finished[/] {line}", soft_wrap=True)
    from cli.reconcile import reconcile_and_say

    ready()
    if not reconcile_and_say():
        console.print("nothing was left open")


def check_recipe(path: Path, overrides: list[str]) -> None:
    """Says that a recipe is valid; mistakes have raised by then."""
    from flows.recipe_checks import advice_on

    project, recipe = load(path, overrides)
    for line in advice_on(project, recipe):
        console.print(f"[yellow]warning[/] {line}", soft_wrap=True)
    console.print(f"{path}: valid", soft_wrap=True)
    if data := recorded_data(data_folder(project, recipe), recipe.name):
        say_quarantine(data)


def init_recipe(name: str, images: Path | None, table: Path | None, label: str | None) -> None:
    """Writes a recipe for a person's own data."""
    from tasks.data.init.scaffold import write_recipe

    written = write_recipe(project_root(), name, images, table, label)
    console.print(bullet_list("Written:", [str(item) for item in written]), soft_wrap=True)
    console.print(f"Next: stillhouse run params/{name}.yaml")


def load(path: Path, overrides: list[str]) -> tuple[Path, Recipe]:
    """Returns the project and the recipe; only recipes in the project's `params/` have data stages in `dvc.yaml`.

    Raises:
        InputError: the recipe is wrong, or lies elsewhere.
    """
    from flows.recipe_checks import pinned

    recipe = load_recipe(path, overrides)
    project = project_of(path)
    return project, pinned(project, recipe)


def project_of(path: Path) -> Path:
    """Returns the project of a recipe.

    Raises:
        InputError: the recipe lies elsewhere.
    """
    project = project_root()
    if path.resolve().parent != project / "params":
        do = f"move it to {project / 'params'} and add its name to dvc.yaml, or let `stillhouse init` write one"
        raise InputError(mismatch(str(path), "", "a recipe in the project's params folder", "one elsewhere", do))
    return project


def why(comparison: Comparison) -> str:
    """Returns in words why a recipe runs."""
    return "; ".join(comparison.changes) or "you said --force"


def note_nothing_changed(recipe: Recipe, comparison: Comparison, asked: str) -> str:
    """Prints in one line that there is nothing to do, records it in the ledger, and returns the reason.

    Args:
        recipe: the recipe that was asked to run.
        comparison: its state against the last run; nothing changed.
        asked: what asked: a person, the clock, a trigger.
    """
    return note_no_reason(recipe, comparison, asked, standstill(recipe, comparison))


def note_no_reason(recipe: Recipe, comparison: Comparison, asked: str, reason: str) -> str:
    """Prints and records that nothing is done although somebody asked, and returns the reason."""
    add_check(recipe.name, comparison.now.digest, asked, reason)
    console.print(f"{recipe.name}: {reason}. Nothing to do.", soft_wrap=True)
    return reason
