"""`stillhouse bom`: the bill of materials of a release, for those who keep track of what is in use."""

from typing import Annotated, Optional

import typer

from cli.lineage import meant
from cli.output.console import say_json
from tasks.core.environment import prepare_environment
from tasks.core.errors import InputError, mismatch
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.lineage.bom import bill_of_materials
from tasks.registry.lineage.project import ancestry_of


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
