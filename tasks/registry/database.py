"""The database of the ledger: where it is, and how one of an earlier shape is brought up to date."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from filelock import FileLock
from sqlalchemy import Engine, create_engine, func, select

from tasks.registry.chain import chain_up
from tasks.registry.seals import seal_up
from tasks.registry.tables import TABLES
from tasks.workspace import state_dir

ADVISORY_LOCK = 0x5717
"""a number of our own among the advisory locks of a database"""


@cache
def engine() -> Engine:
    """Opens the ledger, made if it is not there; `STILLHOUSE_LEDGER_URI` puts it elsewhere, on PostgreSQL say."""
    state_dir().mkdir(parents=True, exist_ok=True)
    opened = create_engine(os.environ.get("STILLHOUSE_LEDGER_URI", f"sqlite:///{state_dir() / 'ledger.db'}"))
    with FileLock(state_dir() / "ledger.lock"):
        TABLES.create_all(opened)
        with opened.begin() as connection:
            chain_up(connection)
            seal_up(connection)
    return opened


@contextmanager
def alone_in_ledger() -> Iterator[None]:
    """Keeps others who share a PostgreSQL ledger from other machines away while the block runs.

    SQLite is of one machine, where a lock file does that.
    """
    if engine().dialect.name != "postgresql":
        yield
        return
    with engine().begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCK)))
        yield
