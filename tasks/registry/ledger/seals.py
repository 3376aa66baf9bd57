"""Seals: a row about a run or a release holds the digest of all that it says, and a decision that of its release.

So a changed row is found by itself; and one that was sealed again, or taken out, by the chain of decisions.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, inspect, select, text, update

from tasks.core.record import canonical_digest
from tasks.registry.ledger.chain import aware
from tasks.registry.ledger.tables import DECISIONS, RELEASES, RUNS


def seal_of(row: Mapping[Any, Any]) -> str:
    """Returns the digest of all that a row says; its number and its seal are no part of that.

    Nor is the fingerprint of a release, which its record holds, too: gc frees that of a removed one for another.
    """
    said = {str(name): value for name, value in row.items() if name not in ("id", "seal")}
    if "release" in said:
        del said["fingerprint"]
    return canonical_digest(said | {"time": aware(said["time"]).isoformat()})


def retired_fingerprint(version: int) -> str:
    """Returns what stands for the fingerprint of a release that was removed."""
    return f"removed: {version}"


def release_seal(connection: Connection, model: str, version: int) -> str | None:
    """Returns the seal of a release; None where there is no such release."""
    query = select(RELEASES.c.seal).where(RELEASES.c.model == model, RELEASES.c.version == version)
    return connection.execute(query).scalar()


def seal_up(connection: Connection) -> None:
    """Seals the rows of a ledger that was begun before there were seals, as they are."""
    for table in (RUNS, RELEASES):
        if "seal" in {column["name"] for column in inspect(connection).get_columns(table.name)}:
            continue
        connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN seal VARCHAR(64)"))
        for row in connection.execute(select(table)).all():
            connection.execute(update(table).where(table.c.id == row.id).values(seal=seal_of(row._mapping)))


def sealed_rows(connection: Connection) -> Iterator[tuple[str, str]]:
    """Yields every row about a run or a release and what became of it: `ok`, `changed` or `missing`."""
    for row in connection.execute(select(RUNS).order_by(RUNS.c.id)):
        yield f"run {row.id}", _state(row)
    known = {(row.model, row.version): row for row in connection.execute(select(RELEASES).order_by(RELEASES.c.id))}
    for (model, version), row in known.items():
        yield f"release {model} {version}", _release_state(row)
    for (model, version), seals in _decided(connection).items():
        found = known.get((model, version))
        if found is None:
            yield f"release {model} {version}", "missing"
        elif seals != {found.seal} and _release_state(found) == "ok":
            yield f"release {model} {version}", "changed"


def _state(row: Row[Any]) -> str:
    return "ok" if seal_of(row._mapping) == row.seal else "changed"


def _release_state(row: Row[Any]) -> str:
    if _state(row) == "changed":
        return "changed"
    known = (json.loads(row.release)["fingerprint"], retired_fingerprint(row.version))
    return "ok" if row.fingerprint in known else "changed"


def _decided(connection: Connection) -> dict[tuple[str, int], set[str]]:
    """Returns the seals that releases had when something was decided about them."""
    found: dict[tuple[str, int], set[str]] = {}
    for row in connection.execute(select(DECISIONS).where(DECISIONS.c.release_seal.is_not(None))):
        found.setdefault((row.model, row.version), set()).add(row.release_seal)
    return found
