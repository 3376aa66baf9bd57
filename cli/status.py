"""Who leads where, how that came about, and the way back: commands that need the ledger and MLflow, no flow."""

from rich.table import Table

from cli.console import console
from infra.services.prefect_server import start_prefect_api
from params.promote import ENVIRONMENTS
from tasks.contracts.releases import Promotion, Verdict
from tasks.core.errors import InputError, IntegrityError, mismatch
from tasks.core.workspace import prepare_environment
from tasks.registry.channel.paths import channels
from tasks.registry.gate.approval import approval_of
from tasks.registry.ledger import decisions
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.chain import aware
from tasks.registry.ledger.checks import checks
from tasks.registry.ledger.decisions import Decision
from tasks.tracking.job_runs import job_run


def roll_back_model(model: str, environment: str, reason: str) -> None:
    """Moves an environment back to the release that led it before."""
    if environment not in ENVIRONMENTS:
        raise InputError(mismatch("stillhouse rollback", "--from", "staging or edge", environment, "name one of them"))
    prepare_environment()
    from cli.channel import say_published
    from tasks.registry.promotion import roll_back

    with job_run(model, f"rollback.{environment}") as run:
        done = roll_back(model, environment, reason)
        run.made(done)
    console.print(
        f"[green]rolled back[/] {environment}: version {done.version} again, before it version {done.previous}",
        soft_wrap=True,
    )
    say_published(environment)
    _report_anew(done)


def show_history(model: str) -> None:
    """Prints every decision about a model: when, who, what, and why."""
    prepare_environment()
    rows = decisions.decisions(model)
    if not rows:
        do = f"make a release: stillhouse run params/{model}.yaml"
        raise InputError(mismatch("stillhouse history", "MODEL", "a model with decisions", model, do))
    table = Table(box=None, pad_edge=False)
    for heading in ("time", "environment", "event", "version", "before", "who", "evidence"):
        table.add_column(heading, no_wrap=True)
    table.add_column("reason", overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)
    _say_quiet(model)


def _say_quiet(model: str) -> None:
    """Prints how often a model's recipe was asked to run and had nothing to do, and who asked last."""
    if quiet := checks(model):
        last = f"{quiet[-1].time.astimezone():%Y-%m-%d %H:%M:%S} by {quiet[-1].who} ({quiet[-1].asked})"
        console.print(f"times asked to run with nothing to do: {len(quiet):,}, last {last}", soft_wrap=True)


def show_status() -> None:
    """Prints for each model and environment who leads it, since when, and who led it before."""
    prepare_environment()
    places = decisions.places()
    if not places:
        console.print("no release was shown to a gate yet; stillhouse run RECIPE makes one")
    for model, environment in places:
        console.print(_standing(model, environment), soft_wrap=True)


def check_ledger(repair: bool) -> None:
    """Verifies the chain of decisions, that every alias is where the last of them put it, and what channels serve.

    Raises:
        IntegrityError: something is not as it was recorded, and was not repaired.
    """
    prepare_environment()
    from tasks.registry.promotion import REPAIRED, audit, reconcile

    for line in reconcile():
        console.print(f"[yellow]finished[/] {line}", soft_wrap=True)
    wrong = (*audit(repair=repair), *ledger.damaged_rows())
    left = [line for line in wrong if not line.endswith(REPAIRED)]
    for line in sorted(set(wrong) - set(left)):
        console.print(f"[yellow]repaired[/] {line}", soft_wrap=True)
    if left:
        do = "`stillhouse audit --repair` puts back aliases and publishes channels anew; a changed row stays as it is"
        raise IntegrityError("\n".join([*left, do]))
    agree = "every alias and channel agrees with it" if channels() else "every alias agrees with it"
    console.print(f"{len(decisions.decisions()):,} decisions: the chain holds, and {agree}")


def _report_anew(done: Promotion) -> None:
    """Writes the pages of both releases anew; where that goes wrong it is a warning: the rollback is done."""
    ready = start_prefect_api()
    from flows.promote import report_on_moved

    try:
        ready()
        report_on_moved(done.model, [done.version, done.previous])
    except Exception as error:
        console.print(f"[yellow]warning[/] the reports are as they were: {error}", soft_wrap=True)


def _cells(row: Decision) -> tuple[str, ...]:
    return (
        f"{aware(row.time).astimezone():%Y-%m-%d %H:%M:%S}",
        row.environment,
        row.event,
        str(row.version),
        "" if row.previous is None else str(row.previous),
        row.who,
        _evidence(row),
        row.reason,
    )


def _evidence(row: Decision) -> str:
    """Returns what the gate said in short, and which verdict that was; nothing where a person spoke."""
    if row.event in decisions.WORDS:
        return ""
    broken = [check.limit for check in Verdict.model_validate_json(row.verdict).checks if not check.passed]
    said = f"broke {', '.join(broken)}" if broken else "passed"
    return f"{said}, {row.verdict_sha256[:8]}"


def _standing(model: str, environment: str) -> str:
    version, earlier = decisions.champion(model, environment), decisions.champions_before(model, environment)
    approved = _approvals(model, environment)
    if version is None:
        return f"{model} {environment}: nothing passed its gate yet{approved}"
    row = next(r for r in reversed(decisions.decisions(model, environment)) if r.event in decisions.MOVED)
    since = _moment(row)
    behind = f"; before it version {earlier[0]}" if earlier else ""
    return f"{model} {environment}: version {version} since {since}, by {row.who} ({row.reason}){behind}{approved}"


def _approvals(model: str, environment: str) -> str:
    """Returns which versions a person let into an environment, where that word still holds."""
    versions = {row.version for row in decisions.decisions(model, environment) if row.event == "approved"}
    holding = [row for row in (approval_of(model, environment, version) for version in sorted(versions)) if row]
    words = [f"version {row.version} by {row.who} at {_moment(row)}" for row in holding]
    return f"; approved: {', '.join(words)}" if words else ""


def _moment(row: Decision) -> str:
    return f"{aware(row.time).astimezone():%Y-%m-%d %H:%M}"
