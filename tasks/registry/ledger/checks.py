"""The requests to run a recipe that found nothing to do: who asked, when, and why there was nothing.

Rows are only ever added. They are no part of the chain of decisions, because no environment depends on them.
"""

import getpass
from datetime import UTC, datetime

from sqlalchemy import insert, select

from tasks.core.record import Record
from tasks.registry.ledger.database import engine
from tasks.registry.ledger.tables import CHECKS


class QuietCheck(Record):
    """One time that there was nothing to do."""

    recipe: str
    fingerprint: str
    """of everything the outcome depends on; that of the last run"""
    who: str
    asked: str
    """what asked: a person, the clock, a trigger"""
    reason: str
    time: datetime


def add_check(recipe: str, fingerprint: str, asked: str, reason: str) -> None:
    """Records that a recipe was asked to run, and why it did not."""
    values = {"recipe": recipe, "fingerprint": fingerprint, "asked": asked, "reason": reason}
    with engine().begin() as connection:
        connection.execute(insert(CHECKS).values(**values, who=getpass.getuser(), time=datetime.now(UTC)))


def checks(recipe: str) -> tuple[QuietCheck, ...]:
    """Returns every time that a recipe had nothing to do, oldest first."""
    columns = [CHECKS.c[name] for name in QuietCheck.model_fields]
    query = select(*columns).where(CHECKS.c.recipe == recipe).order_by(CHECKS.c.id)
    with engine().connect() as connection:
        rows = connection.execute(query).mappings().all()
    return tuple(QuietCheck(**row) for row in rows)
