"""`stillhouse run`: makes a student, and shows what came of it."""

from typing import Annotated

import typer

from cli.options import Overrides, RecipePath
from cli.output.console import command, say, say_list, warn
from cli.output.evaluation import gain_lines, say_evaluation, say_left_out
from cli.output.stages import shown
from cli.promote import refusal, say_promotion, say_report, way_into
from flows.changes import compare, growth
from flows.run import NothingToDo, RunEnded, RunStarted, load, note_nothing_changed, refusals
from flows.run import run as run_flow
from infra.services.prefect_server import start_prefect_api
from params.promote import ENVIRONMENTS
from tasks.core.environment import prepare_environment
from tasks.core.errors import RefusedError
from tasks.core.progress import Event
from tasks.core.workspace import require_writable
from tasks.registry.ledger import entries as ledger

BY_HAND = "by hand"


def run(
    recipe: RecipePath,
    override: Overrides = None,
    force: Annotated[bool, typer.Option("--force", help="Run even if nothing changed.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print the details of each stage, too.")] = False,
) -> None:
    """Make a student: data, teacher, student, compression, evaluation, registry, gate."""
    project, loaded = load(recipe, override or [])
    prepare_environment()
    require_writable(project)
    # What never ran will run, and the server takes longer to start than everything that comes before it is needed.
    ready = None if ledger.last_run(loaded.name) else start_prefect_api()
    comparison = compare(project, loaded)
    with shown(say_run, verbose=verbose):
        if not comparison.changes and not force:
            note_nothing_changed(loaded, comparison, BY_HAND)
            return
        say_run(RunStarted(loaded.name, "; ".join(comparison.changes) or "you said --force"))
        retrained = run_flow(project, loaded, comparison, ready or start_prefect_api())
    for promotion in refusals(retrained.promotions):
        raise RefusedError(refusal(promotion))


def say_run(event: Event) -> None:
    """Prints what becomes of a run."""
    match event:
        case NothingToDo(model, reason):
            say(f"{model}: {reason}. Nothing to do.")
        case RunStarted(model, reason):
            say((model, "bold"), f": running because {reason}")
        case RunEnded():
            _say_outcome(event)
            _say_what_next(event)


def _say_outcome(ended: RunEnded) -> None:
    evaluation, release = ended.retrained.evaluation, ended.retrained.release
    say()
    say_evaluation(evaluation)
    for line in gain_lines(evaluation):
        say(line)
    for note in evaluation.notes:
        warn(note)
    say()
    version = f" version {release.version}, data {release.data_version}"
    say((release.model, "bold"), f"{version}{growth(ended.comparison, evaluation.data)}")
    say_left_out(evaluation.data)
    for promotion in ended.retrained.promotions:
        say_promotion(promotion)
    say_report(ended.retrained.report)


def _say_what_next(ended: RunEnded) -> None:
    promotions = ended.retrained.promotions
    steps = [f"{command()} ui   (runs and models in MLflow, flows in Prefect)"]
    ahead = [environment for environment in ENVIRONMENTS if environment not in {p.environment for p in promotions}]
    if ahead and not refusals(promotions):
        steps.insert(0, way_into(ended.recipe, ahead[0]))
    say_list("Next:", steps)
