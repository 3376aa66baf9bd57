"""What Alembic runs: the revisions that are missing, on the connection and in the transaction of `ledger.database`."""

from alembic import context

from tasks.registry.ledger.database import VERSION_TABLE
from tasks.registry.ledger.tables import TABLES

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=TABLES, version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
