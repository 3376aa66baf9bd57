"""`stillhouse report`: the page of a release, in a browser."""

import os
import webbrowser
from typing import Annotated, Optional

import typer

from cli.options import ModelName
from cli.output.console import say
from tasks.contracts.releases import Release
from tasks.core.environment import prepare_environment
from tasks.core.errors import InputError, mismatch
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
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


def _release(model: str, version: int | None) -> Release:
    history = History.load(model)
    found = ledger.latest_release(model, history) if version is None else ledger.release_of(model, version)
    if found is None:
        got = "none" if version is None else f"no version {version}"
        do = f"`stillhouse run {model}` makes one, `stillhouse history {model}` lists them"
        raise InputError(mismatch("stillhouse report", model, "a release", got, do))
    refuse_removed(found, history)
    return found
