"""The tables of the ledger: Alembic makes what the code describes, at once or not at all, and 0.1 is refused."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, inspect

from tasks.core.errors import InputError
from tasks.registry.ledger import database
from tasks.registry.ledger.database import HEAD, VERSION_TABLE
from tasks.registry.ledger.tables import TABLES

MIGRATIONS = Path(database.__file__).with_name("migrations")


def differences(engine: Engine) -> list[Any]:
    """Returns what a migration would have to change to give the tables that the code describes."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        found: list[Any] = compare_metadata(context, TABLES)
        return found


@pytest.fixture
def ledger(home: Path) -> Path:
    """The file of a ledger that is not there yet."""
    home.mkdir()
    return home / "ledger.db"


@pytest.mark.usefixtures("home")
def test_migrations_make_the_tables_that_the_code_describes_and_end_at_its_revision() -> None:
    assert differences(database.engine()) == []
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_an_upgrade_that_is_cut_off_at_any_statement_leaves_no_table(ledger: Path) -> None:
    for allowed in range(0, 9, 2):
        statements = 0

        def stop(*_: object, last: int = allowed) -> None:
            nonlocal statements
            statements += 1
            if statements > last:
                raise KeyboardInterrupt

        opened = database._opened(f"sqlite:///{ledger}")
        with opened.connect():
            pass
        event.listen(opened, "before_cursor_execute", stop)
        with pytest.raises(KeyboardInterrupt):
            database._upgrade(opened)
        event.remove(opened, "before_cursor_execute", stop)
        assert inspect(opened).get_table_names() == []
        opened.dispose()
    assert differences(database.engine()) == []


def test_a_ledger_of_version_0_1_is_refused_with_the_folder_to_move_away_and_stays_as_it_was(ledger: Path) -> None:
    with sqlite3.connect(ledger) as connection:
        connection.execute("create table runs (id integer primary key, recipe varchar(40))")
        connection.execute("create table promotions (id integer primary key, model varchar(40))")
    before = ledger.read_bytes()
    with pytest.raises(InputError) as refused:
        database.engine()
    assert str(refused.value) == (
        f"`{ledger.parent}`: expected state of version 0.2, got that of version 0.1;"
        f" move `{ledger.parent}` away, and `data/` too where version 0.1 prepared it"
    )
    assert ledger.read_bytes() == before


def test_a_ledger_of_a_later_version_is_refused(ledger: Path) -> None:
    with database.engine().begin() as connection:
        connection.exec_driver_sql(f"update {VERSION_TABLE} set version_num = '9999'")
    database.engine.cache_clear()
    with pytest.raises(InputError, match=r"expected revision 0001, got .*9999"):
        database.engine()


@pytest.mark.usefixtures("home")
def test_a_ledger_that_is_at_its_revision_is_opened_without_alembic() -> None:
    database.engine().dispose()
    code = (
        "import sys; from tasks.registry.ledger.history import History;"
        "print(len(History.load().decisions), 'alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "False"]
