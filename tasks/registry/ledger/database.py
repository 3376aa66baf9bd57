"""The database of the ledger: where it is, and how one of an earlier shape is brought up to date."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from filelock import FileLock
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from tasks.core.errors import InputError, mismatch
from tasks.core.workspace import state_dir
from tasks.registry.ledger.chain import chain_up
from tasks.registry.ledger.seals import seal_up
from tasks.registry.ledger.tables import TABLES

VARIABLE = "STILLHOUSE_LEDGER_URI"
ADVISORY_LOCK = 0x5717
"""a number of our own among the advisory locks of a database"""


@cache
def engine() -> Engine:
    """Opens the ledger, made if it is not there; `STILLHOUSE_LEDGER_URI` puts it elsewhere, on PostgreSQL say.

    Raises:
        InputError: the variable holds no address of a database.
    """
    state_dir().mkdir(parents=True, exist_ok=True)
    opened = _opened(os.environ.get(VARIABLE, f"sqlite:///{state_dir() / 'ledger.db'}"))
    with FileLock(state_dir() / "ledger.lock"):
        TABLES.create_all(opened)
        with opened.begin() as connection:
            chain_up(connection)
            seal_up(connection)
    return opened


def _opened(address: str) -> Engine:
    try:
        return create_engine(address)
    except (SQLAlchemyError, ValueError, ImportError) as error:
        expected = "an SQLAlchemy URL such as postgresql+psycopg://user:password@host/name"
        # What is wrong with it may be a character of the password, so nothing of it is repeated.
        do = "percent-encode what is special in name and password, and install the driver it names"
        raise InputError(mismatch(VARIABLE, "", expected, type(error).__name__, do)) from None


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
