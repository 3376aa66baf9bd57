"""What the commands do, in the terms of a person at a terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.console import bullet_list, console, evaluation_table, gain_line, stages_shown
from flows.gates import command, refusal, say_promotion, say_report, way_into
from flows.server import start_prefect_api
from flows.standing import ENVIRONMENTS
from flows.unchanged import Comparison, compare, ingredients_of
from params.pipeline import Recipe
from tasks.errors import InputError, RefusedError, StoppedError, mismatch
from tasks.fingerprint import Ingredients
from tasks.recipes import load_recipe
from tasks.registry import decisions, ledger
from tasks.releases import Promotion
from tasks.workspace import prepare_environment, project_root

if TYPE_CHECKING:
    from flows.retrain import Retrained


def run_recipe(path: Path, overrides: list[str], force: bool) -> None:
    """Runs a recipe unless nothing changed since it last ran."""
    project, recipe = _load(path, overrides)
    prepare_environment()
    comparison = compare(project, recipe)
    if not comparison.changes and not force:
        _say_nothing_changed(recipe, comparison)
        return
    why = "; ".join(comparison.changes) or "you said --force"
    console.print(f"[bold]{recipe.name}[/]: running because {why}", soft_wrap=True)
    _retrain(project, recipe, comparison)


def check_recipe(path: Path, overrides: list[str]) -> None:
    """Says that a recipe is valid; mistakes have raised by then."""
    from flows.advice import advice_on

    project, recipe = _load(path, overrides)
    for line in advice_on(project, recipe):
        console.print(f"[yellow]warning[/] {line}", soft_wrap=True)
    console.print(f"{path}: valid")


def init_recipe(name: str, images: Path | None, table: Path | None, label: str | None) -> None:
    """Writes a recipe for a person's own data."""
    from tasks.data.scaffold import write_recipe

    written = write_recipe(project_root(), name, images, table, label)
    console.print(bullet_list("Written:", [str(item) for item in written]), soft_wrap=True)
    console.print(f"Next: stillhouse run params/{name}.yaml")


def _load(path: Path, overrides: list[str]) -> tuple[Path, Recipe]:
    """Returns the project and the recipe; only recipes in the project's `params/` have data stages in `dvc.yaml`."""
    from flows.advice import pinned

    project = project_root()
    recipe = load_recipe(path, overrides)
    if path.resolve().parent != project / "params":
        do = f"move it to {project / 'params'} and add its name to dvc.yaml, or let `stillhouse init` write one"
        raise InputError(mismatch(str(path), "", "a recipe in the project's params folder", "one elsewhere", do))
    return project, pinned(project, recipe)


def _retrain(project: Path, recipe: Recipe, comparison: Comparison) -> None:
    """Runs the flow, shows what came of it, and keeps in mind what it was made of."""
    from flows.advice import advice_on

    for line in advice_on(project, recipe):
        console.print(f"[yellow]warning[/] {line}", soft_wrap=True)
    outcome = _run_flow(recipe)
    _say_outcome(outcome)
    refused = [promotion for promotion in outcome.promotions if not promotion.verdict.passed]
    ingredients = _used(project, recipe, comparison)
    ledger.add_run(recipe.name, ingredients, "refused" if refused else "released", outcome.release.version)
    _say_what_next(recipe, outcome.promotions)
    if refused:
        raise RefusedError(refusal(refused[0]))


def _run_flow(recipe: Recipe) -> "Retrained":
    with stages_shown():
        ready = start_prefect_api()
        from flows.retrain import retrain

        ready()
        try:
            return retrain(recipe)
        except KeyboardInterrupt:
            raise StoppedError("stopped; the same command goes on behind the last finished stage") from None


def _used(project: Path, recipe: Recipe, comparison: Comparison) -> Ingredients:
    """Returns what the run was made of: the data version as DVC left it, the source as it was before DVC read it."""
    after = ingredients_of(project, recipe)
    return after.model_copy(update={"data": comparison.now.data | {"version": after.data["version"]}})


def _say_outcome(outcome: "Retrained") -> None:
    evaluation, release = outcome.evaluation, outcome.release
    console.print()
    console.print(evaluation_table(evaluation))
    console.print(gain_line(evaluation.gain), soft_wrap=True)
    for note in evaluation.notes:
        console.print(f"[yellow]warning[/] {note}", soft_wrap=True)
    console.print(f"\n[bold]{release.model}[/] version {release.version}, data {release.data_version}", soft_wrap=True)
    for promotion in outcome.promotions:
        say_promotion(promotion)
    say_report(outcome.report)


def _say_nothing_changed(recipe: Recipe, comparison: Comparison) -> None:
    last = comparison.last
    if last is None:
        return
    where = [e for e in ENVIRONMENTS if decisions.champion(recipe.name, e) == last.version]
    place = f"in {' and '.join(where)}" if where else f"{last.outcome}, in no environment"
    since = f"{last.time.astimezone():%Y-%m-%d %H:%M}"
    console.print(
        f"{recipe.name}: nothing changed since {since}; version {last.version} is {place}. Nothing to do.",
        soft_wrap=True,
    )


def _say_what_next(recipe: Recipe, promotions: Sequence[Promotion]) -> None:
    steps = [f"{command()} ui   (runs and models in MLflow, flows in Prefect)"]
    ahead = [environment for environment in ENVIRONMENTS if environment not in {p.environment for p in promotions}]
    if ahead and all(promotion.verdict.passed for promotion in promotions):
        steps.insert(0, way_into(recipe, ahead[0]))
    console.print(bullet_list("Next:", steps), soft_wrap=True)
