"""What was decided about environments: a chain of rows, each of which holds the digest of the one before.

Rows are only ever added, and a changed or missing one breaks the chain. No two rows can follow the same one (the
database refuses it), so a row is added only by whoever has seen all that was decided before: the compare-and-set that
MLflow's aliases do not have, on any machine that shares the database.
"""

import getpass
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.exc import IntegrityError as NotUniqueError

from tasks.contracts.releases import Verdict
from tasks.core.errors import BusyError
from tasks.registry.ledger.chain import FIRST, aware, link, sha256
from tasks.registry.ledger.database import engine
from tasks.registry.ledger.seals import release_seal
from tasks.registry.ledger.tables import DECISIONS

Event = Literal["refused", "intended", "promoted", "rolling back", "rolled back"]
"""what gates and the moves behind them leave on record; each holds a verdict"""
Word = Literal["approved", "removed"]
WORDS: tuple[Word, ...] = get_args(Word)
"""what people leave on record: no gate spoke, so no verdict"""
DONE: Mapping[Event, Event] = {"intended": "promoted", "rolling back": "rolled back"}
"""what is recorded before aliases move -> what is recorded after"""
Decision = Row[Any]
MOVED = ("promoted", "rolled back")
"""events after which the version of the row leads its environment"""


def decisions(model: str | None = None, environment: str | None = None) -> Sequence[Decision]:
    """Returns every decision about a model, or about all of them, oldest first."""
    query = select(DECISIONS).order_by(DECISIONS.c.id)
    if model:
        query = query.where(DECISIONS.c.model == model)
    if environment:
        query = query.where(DECISIONS.c.environment == environment)
    with engine().connect() as connection:
        return connection.execute(query).all()


def places() -> tuple[tuple[str, str], ...]:
    """Returns every model and environment that something was decided about, in order."""
    return tuple(sorted({(row.model, row.environment) for row in decisions() if row.environment}))


def champion(model: str, environment: str) -> int | None:
    """Returns the version that leads an environment."""
    moved = [row for row in decisions(model, environment) if row.event in MOVED]
    return int(moved[-1].version) if moved else None


def removals(model: str | None = None) -> Mapping[tuple[str, int], Decision]:
    """Returns model and version -> when and why it was removed, for each release that is no more."""
    return {(row.model, int(row.version)): row for row in decisions(model) if row.event == "removed"}


def champions_before(model: str, environment: str) -> tuple[int, ...]:
    """Returns the versions that led an environment before the champion, the last one first; each of them once.

    A version that was rolled back is not among them: whoever goes back again goes further back. Nor is one that was
    removed: nobody can go back to it.
    """
    stack: list[int] = []
    for row in decisions(model, environment):
        if row.event == "promoted":
            stack = [version for version in stack if version != row.version] + [int(row.version)]
        elif row.event == "rolled back" and row.version in stack:
            stack = stack[: stack.index(row.version) + 1]
    removed = removals(model)
    return tuple(version for version in reversed(stack[:-1]) if (model, version) not in removed)


def verdicts_on(model: str, version: int) -> tuple[tuple[Verdict, datetime], ...]:
    """Returns what gates have said about a release and when, oldest first; of one that spoke twice, its last word."""
    said = [row for row in decisions(model) if row.version == version and row.event not in (*DONE, *WORDS)]
    return tuple(
        {row.environment: (Verdict.model_validate_json(row.verdict), aware(row.time)) for row in said}.values()
    )


def entry_of(model: str, environment: str, version: int) -> Verdict:
    """Returns the verdict by which a version that has led an environment came in last."""
    rows = [row for row in decisions(model, environment) if row.version == version and row.event == "promoted"]
    return Verdict.model_validate_json(rows[-1].verdict)


def unfinished(model: str | None = None) -> tuple[Decision, ...]:
    """Returns the intentions that nothing followed: whoever had them was interrupted."""
    last = {(row.model, row.environment): row for row in decisions(model) if row.event not in WORDS}
    return tuple(row for row in last.values() if row.event in DONE)


def add(event: Event, model: str, version: int, verdict: Verdict, previous: int | None, reason: str) -> None:
    """Records one step of a promotion together with what the gate said.

    Raises:
        BusyError: somebody else recorded something at the same moment.
    """
    _append(event, model, verdict.environment, version, previous, reason, verdict.model_dump_json())


def note(word: Word, model: str, environment: str, version: int, reason: str) -> None:
    """Records what a person said of a version; `environment` is empty where it is said of all of them.

    Raises:
        BusyError: as for `add`.
    """
    previous = champion(model, environment) if environment else None
    _append(word, model, environment, version, previous, reason, verdict="")


def _append(
    event: Event | Word, model: str, environment: str, version: int, previous: int | None, reason: str, verdict: str
) -> None:
    values = {
        "model": model,
        "environment": environment,
        "event": event,
        "version": version,
        "previous": previous,
        "who": getpass.getuser(),
        "reason": reason,
        "verdict": verdict,
        "verdict_sha256": sha256(verdict),
        "time": datetime.now(UTC),
    }
    try:
        with engine().begin() as connection:
            values["release_seal"] = release_seal(connection, model, version)
            connection.execute(insert(DECISIONS).values(**values, **link(_head(connection), values)))
    except NotUniqueError:
        raise BusyError("ledger: expected to add the next row, got one that was added meanwhile; try again") from None


def broken_links() -> Iterator[str]:
    """Yields in words every place where the chain is not what it was when it was written."""
    before = FIRST
    for row in decisions():
        where = f"ledger: row {row.id} ({row.model} {row.environment} {row.event})"
        if sha256(row.verdict) != row.verdict_sha256:
            yield f"{where}: expected a verdict of sha256 {row.verdict_sha256}, got another one"
        if row.before != before:
            yield f"{where}: expected to follow {before[:12]}, got {str(row.before)[:12]}: rows are missing or moved"
        elif link(before, row._mapping)["digest"] != row.digest:
            yield f"{where}: expected digest {row.digest[:12]}, got another content"
        before = row.digest


def _head(connection: Connection) -> str:
    last = connection.execute(select(DECISIONS.c.digest).order_by(DECISIONS.c.id.desc()).limit(1)).scalar()
    return str(last) if last else FIRST
