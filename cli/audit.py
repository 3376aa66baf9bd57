"""`stillhouse audit` and `reconcile`: does all that is recorded agree, and is all that was begun finished or closed?"""

from typing import Annotated

import typer

from cli.options import AsJson
from cli.output.console import say, say_json
from infra.services.prefect_server import start_prefect_api
from tasks.core.environment import prepare_environment
from tasks.core.errors import IntegrityError
from tasks.core.progress import Notice
from tasks.core.progress import say as tell
from tasks.registry.channel.paths import channels
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History


def audit(
    repair: Annotated[bool, typer.Option("--repair", help="Put back files and aliases, publish again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Verify the chain of decisions, and that every file, every alias in MLflow and every channel agrees with it."""
    prepare_environment()
    from tasks.registry.promotion import audit as compare
    from tasks.registry.promotion import audit_bundles

    bundles = audit_bundles(repair=repair)
    if all(one.repaired for one in bundles):
        finish_promotions()  # which moves to no release whose files are damaged
    findings, history = (*bundles, *compare(repair=repair)), History.load()
    for finding in findings:
        if finding.repaired:
            tell(Notice("repaired", finding.text))
    left = [*(one.text for one in findings if not one.repaired), *_damage(history)]
    if as_json:
        repaired = [one.text for one in findings if one.repaired]
        say_json({"decisions": len(history.decisions), "repaired": repaired, "wrong": left})
    if left:
        do = "`stillhouse audit --repair` puts back what it can, and publishes channels; a changed row stays as it is"
        raise IntegrityError("\n".join([*left, do]))
    if as_json:
        return
    agree = "every file, alias and channel agrees with it" if channels() else "every file and alias agrees with it"
    say(f"{len(history.decisions):,} decisions: the chain holds, and {agree}")


def _damage(history: History) -> tuple[str, ...]:
    """Returns what is damaged of the ledger, else of all that releases are made of which anything may lead to."""
    from tasks.registry.whole import damage_behind

    return ledger.damaged_rows(history) or damage_behind(history)


def reconcile() -> None:
    """Close what a killed process left open in MLflow and Prefect, and finish promotions that it began."""
    prepare_environment()
    ready = start_prefect_api()
    finish_promotions()
    from flows.reconcile import reconcile_and_tell

    ready()
    if not reconcile_and_tell():
        say("nothing was left open")


def finish_promotions() -> None:
    """Finishes promotions that a killed process began, and says which."""
    from tasks.registry.promotion import reconcile as finish

    for line in finish():
        tell(Notice("finished", line))
