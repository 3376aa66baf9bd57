"""One run of a recipe: the flow, what came of it on the terminal, and what it was made of in the ledger."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import bullet_list, console, evaluation_table, gain_line, say_quarantine, stages_shown
from cli.gates import command, refusal, say_promotion, say_report, way_into
from flows.changes import Comparison, growth, ingredients_of
from flows.notify import failure_told, tell_of_promotions
from infra.services.prefect_server import start_prefect_api
from params.pipeline import Recipe
from params.promote import ENVIRONMENTS
from tasks.contracts.releases import Promotion, Release
from tasks.core.errors import RefusedError, StoppedError
from tasks.core.fingerprint import Ingredients
from tasks.core.process_lease import owner
from tasks.registry.ledger import entries as ledger
from tasks.tracking import runs as tracking

if TYPE_CHECKING:
    from flows.retrain import Retrained


def run_and_show(
    project: Path, recipe: Recipe, comparison: Comparison, ready: Callable[[], None] | None = None
) -> Release:
    """Runs the flow, shows what came of it, keeps in mind what it was made of, and returns the release.

    `ready` is what `start_prefect_api` returned, where it was called before.

    Raises:
        RefusedError: a gate refused the release, which is on record all the same.
        StoppedError: a person pressed Ctrl-C.
    """
    ready = ready or start_prefect_api()  # first of all: it takes longer than what comes until it is needed
    from flows.recipe_checks import advice_on

    for line in advice_on(project, recipe):
        console.print(f"[yellow]warning[/] {line}", soft_wrap=True)
    with failure_told(recipe):
        outcome = _run_flow(recipe, ready)
    _say_outcome(outcome, comparison)
    record(project, recipe, comparison, outcome)
    tell_of_promotions(recipe, outcome.promotions, "; ".join(comparison.changes))
    _say_what_next(recipe, outcome.promotions)
    for promotion in refusals(outcome):
        raise RefusedError(refusal(promotion))
    return outcome.release


def record(project: Path, recipe: Recipe, comparison: Comparison, outcome: "Retrained") -> None:
    """Adds a run that came to its end to the ledger, with everything it was made of."""
    ended = "refused" if refusals(outcome) else "released"
    ledger.add_run(recipe.name, _used(project, recipe, comparison), ended, outcome.release.version)


def refusals(outcome: "Retrained") -> list[Promotion]:
    """Returns the gates that refused."""
    return [promotion for promotion in outcome.promotions if not promotion.verdict.passed]


def _run_flow(recipe: Recipe, ready: Callable[[], None]) -> "Retrained":
    with stages_shown():
        from prefect import tags

        from cli.reconcile import label, reconcile_and_say
        from flows.retrain import retrain

        tracking.client()  # makes MLflow's database, where there is none, while the server makes Prefect's
        ready()
        reconcile_and_say()
        try:
            with tags(label(owner())):
                return retrain(recipe)
        except KeyboardInterrupt:
            raise StoppedError("stopped; the same command goes on behind the last finished stage") from None


def _used(project: Path, recipe: Recipe, comparison: Comparison) -> Ingredients:
    """Returns what the run was made of: the data version as DVC left it, the source as it was before DVC read it."""
    after = ingredients_of(project, recipe)
    return after.model_copy(update={"data": comparison.now.data | {"version": after.data["version"]}})


def _say_outcome(outcome: "Retrained", comparison: Comparison) -> None:
    evaluation, release = outcome.evaluation, outcome.release
    console.print()
    console.print(evaluation_table(evaluation))
    console.print(gain_line(evaluation.gain), soft_wrap=True)
    for note in evaluation.notes:
        console.print(f"[yellow]warning[/] {note}", soft_wrap=True)
    title = f"[bold]{release.model}[/] version {release.version}, data {release.data_version}"
    console.print(f"\n{title}{growth(comparison, evaluation.data)}", soft_wrap=True)
    say_quarantine(evaluation.data)
    for promotion in outcome.promotions:
        say_promotion(promotion)
    say_report(outcome.report)


def _say_what_next(recipe: Recipe, promotions: Sequence[Promotion]) -> None:
    steps = [f"{command()} ui   (runs and models in MLflow, flows in Prefect)"]
    ahead = [environment for environment in ENVIRONMENTS if environment not in {p.environment for p in promotions}]
    if ahead and all(promotion.verdict.passed for promotion in promotions):
        steps.insert(0, way_into(recipe, ahead[0]))
    console.print(bullet_list("Next:", steps), soft_wrap=True)
