"""One run of a recipe, from its file to the ledger: what `stillhouse run` and a schedule have in common.

What happens is told by events; the console prints them. A run that has nothing to do imports no more than it needs to
find that out.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.changes import Comparison, ingredients_of, standstill
from flows.notify import notify_of_failure, notify_of_promotions
from flows.recipe_checks import advice_on, pinned
from params.pipeline import Recipe
from tasks.contracts.releases import Promotion
from tasks.contracts.words import refusal_lines
from tasks.core.errors import InputError, mismatch
from tasks.core.fingerprint import Ingredients
from tasks.core.progress import Event, Warned, say
from tasks.core.workspace import project_root
from tasks.kinds.recipes import load_recipe
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.checks import add_check

if TYPE_CHECKING:
    from flows.retrain import Retrained


@dataclass(frozen=True)
class NothingToDo(Event):
    """A recipe was asked to run and has no reason to."""

    model: str
    reason: str


@dataclass(frozen=True)
class RunStarted(Event):
    """A recipe begins to run."""

    model: str
    reason: str


@dataclass(frozen=True)
class RunEnded(Event):
    """A recipe came to a release."""

    recipe: Recipe
    comparison: Comparison
    retrained: "Retrained"


def load(path: Path, overrides: Sequence[str]) -> tuple[Path, Recipe]:
    """Returns the project and the recipe; only recipes in the project's `params/` have data stages in `dvc.yaml`.

    Raises:
        InputError: the recipe is wrong, or lies elsewhere.
    """
    recipe = load_recipe(path, overrides)
    project = project_of(path)
    return project, pinned(project, recipe)


def project_of(path: Path) -> Path:
    """Returns the project of a recipe.

    Raises:
        InputError: the recipe lies elsewhere.
    """
    project = project_root()
    if Path(os.path.realpath(path)).parent != project / "params":
        do = f"move it to {project / 'params'} and add its name to dvc.yaml, or let `stillhouse init` write one"
        raise InputError(mismatch(str(path), "", "a recipe in the project's params folder", "one elsewhere", do))
    return project


def note_nothing_changed(recipe: Recipe, comparison: Comparison, asked: str) -> str:
    """Records that nothing changed, and returns since when; `asked` is who asked: a person, the clock, a trigger."""
    return note_no_reason(recipe, comparison, asked, standstill(recipe, comparison))


def note_no_reason(recipe: Recipe, comparison: Comparison, asked: str, reason: str) -> str:
    """Records in the ledger that a recipe was asked to run and had no reason to, and returns why."""
    add_check(recipe.name, comparison.now.digest, asked, reason)
    say(NothingToDo(recipe.name, reason))
    return reason


def run(project: Path, recipe: Recipe, comparison: Comparison, ready: Callable[[], None] = lambda: None) -> "Retrained":
    """Runs the flow, records in the ledger what the run was made of, and notifies whom the recipe names.

    Args:
        project: the folder of the recipe.
        recipe: what to run.
        comparison: the recipe against its last run.
        ready: returns when Prefect's API answers.

    Raises:
        StoppedError: a person pressed Ctrl-C.
    """
    for line in advice_on(project, recipe):
        say(Warned(line))
    with notify_of_failure(recipe):
        from flows.reconcile import owned_runs
        from flows.retrain import retrain
        from tasks.tracking import runs

        runs.client()  # makes MLflow's database, where there is none, while the server makes Prefect's
        ready()
        with owned_runs("the same command goes on behind the last finished stage"):
            retrained = retrain(recipe)
    say(RunEnded(recipe, comparison, retrained))
    record(project, recipe, comparison, retrained)
    notify_of_promotions(recipe, retrained.promotions, "; ".join(comparison.changes))
    return retrained


def record(project: Path, recipe: Recipe, comparison: Comparison, retrained: "Retrained") -> None:
    """Adds a run that came to its end to the ledger, with everything it was made of."""
    ended = "refused" if refusals(retrained.promotions) else "released"
    ledger.add_run(recipe.name, _used(project, recipe, comparison), ended, retrained.release.version)


def refusals(promotions: Sequence[Promotion]) -> list[Promotion]:
    """Returns the gates that refused."""
    return [promotion for promotion in promotions if not promotion.verdict.passed]


def refusal(promotion: Promotion) -> str:
    """Returns every limit of a gate that broke, in words."""
    title = f"the gate of {promotion.environment} refused {promotion.model} version {promotion.version}:"
    return "\n".join([title, *(f"  - {line}" for line in refusal_lines(promotion.verdict))])


def _used(project: Path, recipe: Recipe, comparison: Comparison) -> Ingredients:
    """Returns what the run was made of: the data version as DVC left it, the source as it was before DVC read it."""
    after = ingredients_of(project, recipe)
    return after.model_copy(update={"data": comparison.now.data | {"version": after.data["version"]}})
