"""`stillhouse status` and `history`: which version leads where, and how that came about."""

from typing import Any

from cli.options import AsJson, ModelName
from cli.output.console import say, say_json, say_table
from tasks.core.environment import prepare_environment
from tasks.core.errors import InputError, mismatch
from tasks.registry.ledger.checks import checks
from tasks.registry.ledger.history import BY_PEOPLE, Decision, History

HEADINGS = ("time", "environment", "event", "version", "before", "who", "evidence", "reason")


def history(model: ModelName, as_json: AsJson = False) -> None:
    """Print every decision about a model: when, who, what, and why."""
    prepare_environment()
    rows = History.load(model).decisions
    if not rows:
        do = f"make a release: stillhouse run params/{model}.yaml"
        raise InputError(mismatch("stillhouse history", "MODEL", "a model with decisions", model, do))
    if as_json:
        say_json([_facts(row) for row in rows])
        return
    say_table(HEADINGS, [_cells(row) for row in rows])
    _say_quiet(model)


def _say_quiet(model: str) -> None:
    """Prints how often a model's recipe was asked to run and had nothing to do, and who asked last."""
    if quiet := checks(model):
        last = f"{quiet[-1].time.astimezone():%Y-%m-%d %H:%M:%S} by {quiet[-1].who} ({quiet[-1].asked})"
        say(f"times asked to run with nothing to do: {len(quiet):,}, last {last}")


def status(as_json: AsJson = False) -> None:
    """Say which version leads each environment of each model."""
    prepare_environment()
    recorded = History.load()
    if as_json:
        say_json([_place(recorded, model, environment) for model, environment in recorded.places()])
        return
    if not recorded.places():
        say("no release was shown to a gate yet; stillhouse run RECIPE makes one")
    for model, environment in recorded.places():
        say(_in_a_line(recorded, model, environment))


def _facts(row: Decision) -> dict[str, Any]:
    """Returns a decision, for machines."""
    broken = [] if row.event in BY_PEOPLE else row.parsed_verdict.broken
    return {
        "time": row.time.isoformat(),
        "environment": row.environment,
        "event": row.event,
        "version": row.version,
        "before": row.previous,
        "who": row.who,
        "reason": row.reason,
        "verdict_sha256": row.verdict_sha256,
        "broke": list(broken),
    }


def _place(recorded: History, model: str, environment: str) -> dict[str, Any]:
    """Returns what `status` says of an environment of a model, for machines."""
    row, earlier = recorded.entry(model, environment), recorded.champions_before(model, environment)
    return {
        "model": model,
        "environment": environment,
        "version": row and row.version,
        "since": row and row.time.isoformat(),
        "by": row and row.who,
        "reason": row and row.reason,
        "before": earlier[0] if row and earlier else None,
        "approved": [
            {"version": one.version, "by": one.who, "at": one.time.isoformat()}
            for one in recorded.approvals(model, environment)
        ],
    }


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
