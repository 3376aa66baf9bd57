"""`stillhouse report` and `bom`: what there is to read of one release, for people and for machines."""

import os
import webbrowser
from typing import Annotated, Optional

import typer

from cli.lineage import meant
from cli.options import ModelName
from cli.output.console import say, say_json
from tasks.contracts.releases import Release
from tasks.core.environment import prepare_environment
from tasks.core.errors import InputError, mismatch
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.lineage.bom import bill_of_materials
from tasks.registry.lineage.project import ancestry_of
from tasks.registry.removal import refuse_removed

PAGE = "report.html"


def report(
    model: ModelName,
    version: Annotated[Optional[int], typer.Option(help="Default: the newest.")] = None,  # noqa: UP045
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Open the report of a release, and say where it is."""
    prepare_environment()
    release = _release(model, version)
    from tasks.tracking.artifacts import here
    from tasks.tracking.runs import artifacts_of

    page = here(f"{artifacts_of(release.run_id)}/{PAGE}")
    if not page.is_file():
        do = f"`stillhouse promote {model} --to staging --version {release.version}` writes it again"
        raise InputError(mismatch(str(page), "", "the report of a release", "no file", do))
    say(f"report: {os.path.relpath(page)}")
    if browser:
        webbrowser.open(page.as_uri())


def bom(
    environment: Annotated[str, typer.Argument(help="staging or edge.")] = "edge",
    model: Annotated[Optional[str], typer.Option(help="Needed where several models lead there.")] = None,  # noqa: UP045
    version: Annotated[Optional[int], typer.Option(help="Default: the champion of the environment.")] = None,  # noqa: UP045
) -> None:
    """Print what a release is made of as a CycloneDX ML-BOM."""
    prepare_environment()
    history = History.load()
    releases = [*meant(environment, model, version, history, "bom")]
    if len(releases) > 1:
        got = ", ".join(release.model for release in releases)
        raise InputError(mismatch("stillhouse bom", "--model", "one model", got, "name one of them"))
    (release,) = releases
    ingredients = ledger.ingredients_of(release)
    libraries = ingredients.libraries if ingredients else {}
    say_json(bill_of_materials(release, ledger.evaluation_of(release), ancestry_of(release, history), libraries))


def _release(model: str, version: int | None) -> Release:
    history = History.load(model)
    found = ledger.latest_release(model, history) if version is None else ledger.release_of(model, version)
    if found is None:
        got = "none" if version is None else f"no version {version}"
        do = f"`stillhouse run {model}` makes one, `stillhouse history {model}` lists them"
        raise InputError(mismatch("stillhouse report", model, "a release", got, do))
    refuse_removed(found, history)
    return found
