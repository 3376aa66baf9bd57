"""A person in front of a gate: show a release to it, say that it may pass, and read what the gate said."""

import os
import shutil
import sys
from pathlib import Path

from cli.console import bullet_list, challenge_line, console
from infra.services.prefect_server import start_prefect_api
from params.pipeline import Recipe
from params.promote import ENVIRONMENTS, Gate
from tasks.contracts.releases import Promotion
from tasks.core.errors import InputError, RefusedError, mismatch
from tasks.core.files import local_path
from tasks.core.recipes import load_recipe
from tasks.core.record import Artefact
from tasks.core.workspace import prepare_environment, project_root
from tasks.registry.channel.paths import channels


def promote_model(model: str, environment: str, version: int | None, reason: str) -> None:
    """Shows a release to a gate; a refusal is an error that names every limit that broke."""
    recipe = _recipe_of(model)
    _show(recipe, environment, _gate(recipe, environment, "promote"), version, reason, approved=False)


def approve_model(model: str, environment: str, version: int | None, reason: str) -> None:
    """Records that a release may enter an environment, and shows it to the gate; a refusal takes nothing back.

    Raises:
        InputError: the gate asks nobody, or there is no such release.
        RefusedError: the gate refused for another reason.
    """
    recipe = _recipe_of(model)
    gate = _gate(recipe, environment, "approve")
    if gate.approval != "manual":
        do = f"type `stillhouse promote {model} --to {environment}`: this gate asks nobody"
        raise InputError(
            mismatch(f"params/{model}.yaml", f"promote.{environment}.approval", "manual", gate.approval, do)
        )
    _show(recipe, environment, gate, version, reason, approved=True)


def way_into(recipe: Recipe, environment: str) -> str:
    """Returns the command by which the last release comes into an environment, as it is typed here."""
    gate: Gate = getattr(recipe.promote, environment)
    verb = "approve" if gate.approval == "manual" else "promote"
    wait = f"   (after {gate.minimum_hours:g} hours in {gate.requires})" if gate.minimum_hours else ""
    return f"{command()} {verb} {recipe.name} --to {environment}{wait}"


def command() -> str:
    """Returns how this command is typed here: by its name where that is on the path."""
    here = Path(sys.executable).with_name("stillhouse")
    return "stillhouse" if shutil.which("stillhouse") or not here.is_file() else os.path.relpath(here)


def say_promotion(promotion: Promotion) -> None:
    """Prints what became of a release in front of a gate, and how it did against the champion."""
    if promotion.moved:
        before = f"version {promotion.previous}" if promotion.previous else "nothing"
        words = f"[green]promoted[/] to {promotion.environment}: version {promotion.version}, before it {before}"
    elif promotion.verdict.passed:
        words = f"{promotion.environment}: version {promotion.version} is there already"
    else:
        words = f"[red]refused[/] by the gate of {promotion.environment}: version {promotion.version}"
    console.print(words, soft_wrap=True)
    if promotion.verdict.challenge:
        console.print(f"  {challenge_line(promotion.verdict.challenge)}", soft_wrap=True)
    if promotion.moved:
        _say_published(promotion.environment)


def _say_published(environment: str) -> None:
    from cli.channel import say_published

    say_published(environment)


def say_report(page: Artefact) -> None:
    """Prints where the page of a release is."""
    path = local_path(page.uri)
    console.print(f"report: {(path and os.path.relpath(path)) or page.uri}", soft_wrap=True)


def refusal(promotion: Promotion) -> str:
    """Returns every limit that broke, and the command that helps where only a person's word is missing."""
    model, environment, version = promotion.model, promotion.environment, promotion.version
    title = f"the gate of {environment} refused {model} version {version}:"
    said = bullet_list(title, promotion.verdict.refusals)
    if not promotion.verdict.lacks_only_approval:
        return said
    typed = f"{command()} approve {model} --to {environment} --version {version}"
    return f"{said}\nit lacks nothing else; a person gives it with `{typed}`"


def _recipe_of(model: str) -> Recipe:
    return load_recipe(project_root() / "params" / f"{model}.yaml")


def _gate(recipe: Recipe, environment: str, verb: str) -> Gate:
    if environment not in ENVIRONMENTS:
        do = "name one of them"
        raise InputError(mismatch(f"stillhouse {verb}", "--to", "staging or edge", environment, do))
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
        console.print(f"[green]approved[/] for {environment}: version {release.version}", soft_wrap=True)
    say_promotion(promotion)
    say_report(page)
    if not promotion.verdict.passed:
        raise RefusedError(refusal(promotion))
    if environment not in channels():
        steps = [f"{command()} channel init {environment} --root-keys DIR   (a signed channel for devices)"]
        console.print(bullet_list("Next:", steps), soft_wrap=True)
