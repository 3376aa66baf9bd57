"""The database of the ledger: where it is, and how one of an earlier shape is brought up to date."""

import os
from functools import cache

from filelock import FileLock
from sqlalchemy import Engine, create_engine

from tasks.registry.chain import chain_up
from tasks.registry.tables import TABLES
from tasks.workspace import state_dir


@cache
def engine() -> Engine:
    """Opens the ledger, made if it is not there; `STILLHOUSE_LEDGER_URI` puts it elsewhere, on PostgreSQL say."""
    state_dir().mkdir(parents=True, exist_ok=True)
    opened = create_engine(os.environ.get("STILLHOUSE_LEDGER_URI", f"sqlite:///{state_dir() / 'ledger.db'}"))
    with FileLock(state_dir() / "ledger.lock"):
        TABLES.create_all(opened)
        with opened.begin() as connection:
            chain_up(connection)
    return opened
