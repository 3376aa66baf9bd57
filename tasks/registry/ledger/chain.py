"""The chain of decisions: each row holds the digest of all that is in it and of the row before.

Rows are only ever added, and a changed or missing one breaks the chain. No two rows can follow the same one (the
database refuses it), so a row is added only by a process that has read all decisions before it: the compare-and-set
that MLflow's aliases do not have, on any machine that shares the database.
"""

import getpass
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError as NotUniqueError

from tasks.contracts.proofs import Proof
from tasks.contracts.releases import Verdict
from tasks.core.errors import BusyError
from tasks.core.record import canonical_digest, sha256_of_text
from tasks.registry.ledger.database import engine
from tasks.registry.ledger.history import NO_DECISION, Decision, Event, History
from tasks.registry.ledger.seals import release_seal
from tasks.registry.ledger.tables import DECISIONS

UNLINKED = ("id", "time", "before", "digest")
"""columns that are no part of the digest, or are in it in another form"""


def append(
    history: History,
    event: Event,
    model: str,
    environment: str,
    version: int,
    reason: str,
    verdict: Verdict | Proof | None = None,
) -> History:
    """Records one decision behind all those of a history; returns the history with it.

    Args:
        history: of all models: the row is chained on its last decision.
        event: what was decided.
        model: which it is about.
        environment: which it is about; empty where it is about all of them.
        version: which it is about.
        reason: for a person.
        verdict: of the gate, or what a proof found; None where a person decided.

    Raises:
        BusyError: another process has recorded a decision since the history was read.
    """
    if history.model is not None:
        raise ValueError(f"expected the history of all models to add to, got that of `{history.model}`")
    recorded = verdict.model_dump_json() if verdict else ""
    values: dict[str, Any] = {
        "model": model,
        "environment": environment,
        "event": event,
        "version": version,
        "previous": history.champion(model, environment) if environment else None,
        "who": getpass.getuser(),
        "reason": reason,
        "verdict": recorded,
        "verdict_sha256": sha256_of_text(recorded),
        "time": datetime.now(UTC),
    }
    return history.followed_by(_inserted(history.head, values))


def _inserted(head: str, values: dict[str, Any]) -> Decision:
    try:
        with engine().begin() as connection:
            sealed = values | {"release_seal": release_seal(connection, values["model"], values["version"])}
            linked = sealed | {"before": head, "digest": _digest(head, sealed)}
            key = connection.execute(insert(DECISIONS).values(linked).returning(DECISIONS.c.id)).scalar_one()
    except NotUniqueError:
        raise BusyError("ledger: expected to add the next row, got one that was added meanwhile; try again") from None
    return Decision(id=key, **linked)


@dataclass(frozen=True)
class BrokenLink:
    """One row that is not as it was when it was written."""

    row: str
    problem: str

    def __str__(self) -> str:
        return f"{self.row}: {self.problem}"


def broken_links(history: History) -> Iterator[BrokenLink]:
    """Yields every place where the chain of all decisions is not what it was when it was written."""
    before = NO_DECISION
    for row in history.decisions:
        name = f"ledger: row {row.id} ({row.model} {row.environment} {row.event})"
        if sha256_of_text(row.verdict) != row.verdict_sha256:
            yield BrokenLink(name, f"expected a verdict of sha256 {row.verdict_sha256}, got another one")
        if row.before != before:
            problem = f"expected to follow {before[:12]}, got {row.before[:12]}: rows are missing or moved"
            yield BrokenLink(name, problem)
        elif _digest(before, asdict(row)) != row.digest:
            yield BrokenLink(name, f"expected digest {row.digest[:12]}, got another content")
        before = row.digest


def _digest(before: str, row: Mapping[str, Any]) -> str:
    """Returns the digest of a row and of the one before; a verdict is in it by its sha256."""
    content = {name: value for name, value in row.items() if name not in (*UNLINKED, "verdict")}
    return canonical_digest(content | {"time": row["time"].isoformat(), "before": before})
