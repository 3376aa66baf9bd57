"""`stillhouse promote`, `approve` and `rollback`: which release an environment has, and what its gate says to that."""

import os
from typing import Annotated

import typer

from cli.options import ModelName, Reason, Version, require_environment
from cli.output.console import command, say, say_list, warn
from cli.output.evaluation import challenge_line
from flows.run import refusal as limits_broken
from infra.services.prefect_server import start_prefect_api
from params.pipeline import Recipe
from params.promote import Gate
from tasks.contracts.releases import Promotion
from tasks.core.environment import prepare_environment
from tasks.core.errors import InputError, RefusedError, mismatch
from tasks.core.files import local_path
from tasks.core.record import Artefact
from tasks.core.workspace import project_root
from tasks.kinds.recipes import load_recipe
from tasks.registry.channel.paths import channels
from tasks.tracking.job_runs import job_run

To = Annotated[str, typer.Option("--to", help="staging or edge.")]
From = Annotated[str, typer.Option("--from", help="staging or edge.")]


def promote(model: ModelName, to: To, version: Version = None, reason: Reason = "by hand") -> None:
    """Show a release to the gate of an environment, and move the alias if it passes."""
    recipe = _recipe_of(model)
    _show(recipe, to, _gate(recipe, to, "promote"), version, reason, approved=False)


def approve(model: ModelName, to: To, version: Version = None, reason: Reason = "by hand") -> None:
    """Say that a release may enter an environment whose gate asks a person, and show it to that gate."""
    recipe = _recipe_of(model)
    gate = _gate(recipe, to, "approve")
    if gate.approval != "manual":
        do = f"type `stillhouse promote {model} --to {to}`: this gate asks no person"
        raise InputError(mismatch(f"params/{model}.yaml", f"promote.{to}.approval", "manual", gate.approval, do))
    _show(recipe, to, gate, version, reason, approved=True)


def rollback(model: ModelName, environment: From, reason: Reason = "by hand") -> None:
    """Move an environment back to the release that led it before."""
    require_environment(environment, "rollback", "--from")
    prepare_environment()
    from tasks.registry.promotion import roll_back

    with job_run(model, f"rollback.{environment}") as run:
        done = roll_back(model, environment, reason)
        run.made(done)
    words = f"{environment}: version {done.version} again, before it version {done.previous}"
    say(("rolled back", "green"), f" {words}")
    _say_published(environment)
    _report_again(done)


def way_into(recipe: Recipe, environment: str) -> str:
    """Returns the command by which the last release comes into an environment, as it is typed here."""
    gate: Gate = getattr(recipe.promote, environment)
    verb = "approve" if gate.approval == "manual" else "promote"
    wait = f"   (after {gate.minimum_hours:g} hours in {gate.requires})" if gate.minimum_hours else ""
    return f"{command()} {verb} {recipe.name} --to {environment}{wait}"


def say_promotion(promotion: Promotion) -> None:
    """Prints what became of a release in front of a gate, and how it did against the champion."""
    if promotion.moved:
        before = f"version {promotion.previous}" if promotion.previous else "nothing"
        say(("promoted", "green"), f" to {promotion.environment}: version {promotion.version}, before it {before}")
    elif promotion.verdict.passed:
        say(f"{promotion.environment}: version {promotion.version} is there already")
    else:
        say(("refused", "red"), f" by the gate of {promotion.environment}: version {promotion.version}")
    if promotion.verdict.challenge:
        say(f"  {challenge_line(promotion.verdict.challenge)}")
    if promotion.moved:
        _say_published(promotion.environment)


def _say_published(environment: str) -> None:
    from cli.channel import say_published  # imports what reads a channel, which a run that has nothing to do spares

    say_published(environment)


def say_report(page: Artefact) -> None:
    """Prints where the page of a release is."""
    path = local_path(page.uri)
    say(f"report: {(path and os.path.relpath(path)) or page.uri}")


def refusal(promotion: Promotion) -> str:
    """Returns every limit that broke, and the command that helps where only a person's word is missing."""
    said = limits_broken(promotion)
    if not promotion.verdict.lacks_only_approval:
        return said
    typed = f"{command()} approve {promotion.model} --to {promotion.environment} --version {promotion.version}"
    return f"{said}\nit lacks nothing else; a person gives it with `{typed}`"


def _recipe_of(model: str) -> Recipe:
    return load_recipe(project_root() / "params" / f"{model}.yaml")


def _gate(recipe: Recipe, environment: str, verb: str) -> Gate:
    require_environment(environment, verb, "--to")
    gate: Gate = getattr(recipe.promote, environment)
    return gate


def _show(recipe: Recipe, environment: str, gate: Gate, version: int | None, reason: str, *, approved: bool) -> None:
    prepare_environment()
    ready = start_prefect_api()
    from flows.promote import approve, promote, release_for, report, report_on_moved

    release = release_for(recipe.name, gate, version)
    ready()
    promotion = (approve if approved else promote)(release, environment, gate, recipe.evaluate, reason)
    page = report(release, recipe.evaluate)
    if promotion.moved:
        report_on_moved(recipe.name, [promotion.previous])
    if approved:
        say(("approved", "green"), f" for {environment}: version {release.version}")
    say_promotion(promotion)
    say_report(page)
    if not promotion.verdict.passed:
        raise RefusedError(refusal(promotion))
    if environment not in channels():
        steps = [f"{command()} channel init {environment} --root-keys DIR   (a signed channel for devices)"]
        say_list("Next:", steps)


def _report_again(done: Promotion) -> None:
    """Writes the pages of both releases again; where that goes wrong it is a warning: the rollback is done."""
    ready = start_prefect_api()
    from flows.promote import report_on_moved

    try:
        ready()
        report_on_moved(done.model, [done.version, done.previous])
    except Exception as error:
        warn(f"the reports are as they were: {error}")
