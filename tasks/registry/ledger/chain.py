"""The chain of decisions: each row holds the digest of all that it says and of the row before."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, inspect, select, text, update

from tasks.core.record import canonical_digest
from tasks.registry.ledger.tables import DECISIONS

FIRST = "0" * 64
"""what stands for the row before the first"""
SAID = ("model", "environment", "event", "version", "previous", "who", "reason", "verdict_sha256")


def link(before: str, row: Any) -> dict[str, str]:
    """Returns the digest of the row before, and that of a row: of all that it says, and of the one before."""
    content = {name: row[name] for name in SAID} | {"time": aware(row["time"]).isoformat(), "before": before}
    if row["release_seal"]:  # which rows of before there were seals do not have
        content["release_seal"] = row["release_seal"]
    return {"before": before, "digest": canonical_digest(content)}


def sha256(said: str) -> str:
    """Returns the sha256 of a text."""
    return hashlib.sha256(said.encode()).hexdigest()


def aware(time: datetime) -> datetime:
    """SQLite gives times back without their zone; all of ours are UTC."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def chain_up(connection: Connection) -> None:
    """Chains the rows of a ledger that was begun before there was a chain, as they are."""
    there = {column["name"] for column in inspect(connection).get_columns(DECISIONS.name)}
    for name in ("before", "digest", "release_seal"):
        if name not in there:
            connection.execute(text(f"ALTER TABLE {DECISIONS.name} ADD COLUMN {name} VARCHAR(64)"))
    before = FIRST
    for row in connection.execute(select(DECISIONS).order_by(DECISIONS.c.id)).all():
        if row.digest is None:
            sealed = {"verdict_sha256": sha256(row.verdict)}
            linked = link(before, {**row._mapping, **sealed})
            connection.execute(update(DECISIONS).where(DECISIONS.c.id == row.id).values(**sealed, **linked))
            before = linked["digest"]
        else:
            before = row.digest
    if "before" not in there:
        if connection.dialect.name == "postgresql":  # which, unlike SQLite, holds texts to their length
            connection.execute(text(f"ALTER TABLE {DECISIONS.name} ALTER COLUMN event TYPE VARCHAR(20)"))
        connection.execute(text(f"CREATE UNIQUE INDEX one_row_follows ON {DECISIONS.name} (before)"))
