"""The database of the ledger: where it is, and how its tables come to the shape of this version."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, func, inspect, select, text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from tasks.core.errors import InputError, mismatch
from tasks.core.workspace import state_dir, state_made

VARIABLE = "STILLHOUSE_LEDGER_URI"
VERSION_TABLE = "ledger_version"
"""where Alembic keeps the revision; MLflow's own is `alembic_version`, and may be in the same database"""
NO_DATABASE = ("unable to open database file", "file is not a database", "disk image is malformed", "already exists")
"""what is said of a file that is none, or that SQLite cannot get at, and of a database of somebody else's tables"""
HEAD = "0001"
"""the newest revision in `migrations/versions`"""
TABLE_OF_0_1 = "promotions"
"""which a ledger of version 0.1 has, and none of ours"""
ADVISORY_LOCK, MIGRATION_LOCK = 0x5717, 0x5718
"""numbers of our own among the advisory locks of a database"""


@cache
def engine() -> Engine:
    """Opens the ledger, made if it is not there; `STILLHOUSE_LEDGER_URI` puts it elsewhere, such as on PostgreSQL.

    Raises:
        InputError: the variable holds no address of a database, the file is none, or the ledger is that of another
            version.
    """
    opened = _opened(os.environ.get(VARIABLE, f"sqlite:///{state_made() / 'ledger.db'}"))
    try:
        with opened.connect() as connection:
            current = _revision(connection) == HEAD
        if not current:
            _upgrade(opened)
    except DatabaseError as error:
        if (place := opened.url.database) and any(words in str(error.orig) for words in NO_DATABASE):
            do = f"put back a copy of it, or name another database in `{VARIABLE}`"
            raise InputError(mismatch(place, "", "the database of the ledger", error.orig, do)) from None
        raise
    return opened


def _opened(address: str) -> Engine:
    try:
        return create_engine(address)
    except (SQLAlchemyError, ValueError, ImportError) as error:
        expected = "an SQLAlchemy URL such as postgresql+psycopg://user:password@host/name"
        # What is wrong with it may be a character of the password, so nothing of it is repeated.
        do = "percent-encode what is special in name and password, and install the driver it names"
        raise InputError(mismatch(VARIABLE, "", expected, type(error).__name__, do)) from None


def _revision(connection: Connection) -> str | None:
    """Returns the revision of the tables, None where there are none yet; refuses those of version 0.1."""
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE in tables:
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
        return None if found is None else str(found)
    if TABLE_OF_0_1 in tables:
        moved = f"move `{state_dir()}` away, and `data/` too where version 0.1 prepared it"
        do = f"{moved}; then name an empty database in `{VARIABLE}`" if VARIABLE in os.environ else moved
        raise InputError(mismatch(str(state_dir()), "", "state of version 0.2", "that of version 0.1", do))
    return None


def _upgrade(opened: Engine) -> None:
    """Brings the tables to the newest revision, in one transaction: a killed upgrade leaves what was there before."""
    from alembic import command  # which takes a while to import, and is needed once per shape of the tables
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    with FileLock(state_dir() / "ledger.lock"), opened.connect() as connection:
        _begin_alone(connection)
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            do = "install the version of Stillhouse that made it, or a newer one"
            raise InputError(mismatch(str(state_dir()), "ledger", f"revision {HEAD}", error, do)) from None
        connection.commit()


def _begin_alone(connection: Connection) -> None:
    """Begins a transaction that keeps other upgrades waiting, on this machine and on others."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    else:  # Python's driver would begin none before it makes a table
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def exclusive_ledger() -> Iterator[None]:
    """Keeps others who share a PostgreSQL ledger from other machines away while the block runs.

    SQLite is of one machine, where a lock file does that.
    """
    if engine().dialect.name != "postgresql":
        yield
        return
    with engine().begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCK)))
        yield
