"""Seals: a row about a run or a release holds the digest of its content, and a decision holds the seal of its release.

So a changed row is found by itself; and one that was sealed again, or taken out, by the chain of decisions.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from tasks.core.record import canonical_digest
from tasks.registry.ledger.history import History
from tasks.registry.ledger.tables import RELEASES, RUNS


def seal_of(row: Mapping[Any, Any]) -> str:
    """Returns the digest of the content of a row, without its number and its seal.

    The fingerprint of a release is left out, too: its record holds it, and gc frees that of a removed one for another.
    """
    content = {str(name): value for name, value in row.items() if name not in ("id", "seal")}
    if "release" in content:
        del content["fingerprint"]
    return canonical_digest(content | {"time": content["time"].isoformat()})


def retired_fingerprint(version: int) -> str:
    """Returns the value that replaces the fingerprint of a removed release."""
    return f"removed: {version}"


def release_seal(connection: Connection, model: str, version: int) -> str | None:
    """Returns the seal of a release; None where there is no such release."""
    query = select(RELEASES.c.seal).where(RELEASES.c.model == model, RELEASES.c.version == version)
    return connection.execute(query).scalar()


def sealed_rows(connection: Connection, history: History) -> Iterator[tuple[str, str]]:
    """Yields every row about a run or a release and its state: `ok`, `changed` or `missing`."""
    for row in connection.execute(select(RUNS).order_by(RUNS.c.id)):
        yield f"run {row.id}", _state(row)
    known = {(row.model, row.version): row for row in connection.execute(select(RELEASES).order_by(RELEASES.c.id))}
    for (model, version), row in known.items():
        yield f"release {model} {version}", _release_state(row)
    for (model, version), seals in _decided(history).items():
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


def _decided(history: History) -> dict[tuple[str, int], set[str]]:
    """Returns the seals that releases had when there was a decision about them."""
    found: dict[tuple[str, int], set[str]] = {}
    for row in history.decisions:
        if row.release_seal is not None:
            found.setdefault((row.model, row.version), set()).add(row.release_seal)
    return found
