"""What the chain says of approvals, a person's word that one version may enter one environment, and of time led."""

from datetime import UTC, datetime

from tasks.registry.ledger import decisions
from tasks.registry.ledger.chain import aware
from tasks.registry.ledger.decisions import MOVED, Decision

LEFT = ("rolling back", "rolled back")
"""events by which the previous version leaves its environment for a fault of its own"""
SECONDS_PER_HOUR = 3600.0


def approval_of(model: str, environment: str, version: int) -> Decision | None:
    """Returns the last approval of a version in an environment; None without one, or where it was rolled back since."""
    standing = None
    for row in decisions.decisions(model, environment):
        if row.event == "approved" and row.version == version:
            standing = row
        elif row.event in LEFT and row.previous == version:
            standing = None
    return standing


def hours_led(model: str, environment: str, version: int, now: datetime | None = None) -> float:
    """Returns for how many hours a version has led an environment without interruption; 0 where it does not lead.

    A version that is promoted once more while it leads goes on leading.
    """
    leader, since = None, datetime.now(UTC)
    for row in decisions.decisions(model, environment):
        if row.event in MOVED and row.version != leader:
            leader, since = row.version, aware(row.time)
    led = ((now or datetime.now(UTC)) - since).total_seconds() / SECONDS_PER_HOUR
    return max(led, 0.0) if leader == version else 0.0
