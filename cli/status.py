"""`stillhouse status` and `history`: which version leads where, and how that came about."""

from rich.table import Table

from cli.console import console
from cli.options import ModelName
from tasks.core.errors import InputError, mismatch
from tasks.core.workspace import prepare_environment
from tasks.registry.ledger.checks import checks
from tasks.registry.ledger.history import BY_PEOPLE, Decision, History


def history(model: ModelName) -> None:
    """Print every decision about a model: when, who, what, and why."""
    prepare_environment()
    rows = History.load(model).decisions
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


def status() -> None:
    """Say which version leads each environment of each model."""
    prepare_environment()
    recorded = History.load()
    if not recorded.places():
        console.print("no release was shown to a gate yet; stillhouse run RECIPE makes one")
    for model, environment in recorded.places():
        console.print(_in_a_line(recorded, model, environment), soft_wrap=True)


def _cells(row: Decision) -> tuple[str, ...]:
    return (
        f"{row.time.astimezone():%Y-%m-%d %H:%M:%S}",
        row.environment,
        row.event,
        str(row.version),
        "" if row.previous is None else str(row.previous),
        row.who,
        _evidence(row),
        row.reason,
    )


def _evidence(row: Decision) -> str:
    """Returns the gate's answer in short, and which verdict that is; empty for a decision of a person."""
    if row.event in BY_PEOPLE:
        return ""
    broken = row.parsed_verdict.broken
    said = f"broke {', '.join(broken)}" if broken else "passed"
    return f"{said}, {row.verdict_sha256[:8]}"


def _in_a_line(recorded: History, model: str, environment: str) -> str:
    """Returns which version leads an environment, and which are approved for it."""
    words = [f"version {row.version} by {row.who} at {_moment(row)}" for row in recorded.approvals(model, environment)]
    approved = f"; approved: {', '.join(words)}" if words else ""
    row = recorded.entry(model, environment)
    if row is None:
        return f"{model} {environment}: nothing passed its gate yet{approved}"
    earlier = recorded.champions_before(model, environment)
    behind = f"; before it version {earlier[0]}" if earlier else ""
    led = f"version {row.version} since {_moment(row)}, by {row.who} ({row.reason})"
    return f"{model} {environment}: {led}{behind}{approved}"


def _moment(row: Decision) -> str:
    return f"{row.time.astimezone():%Y-%m-%d %H:%M}"
