"""The tables of the ledger. A change here needs a revision in `migrations/versions`, which a test compares with it."""

from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC: SQLite gives it back without a zone, PostgreSQL in the zone of the session."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Returns what a row holds, in UTC."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


TABLES = MetaData()
RUNS = Table(
    "runs",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False, index=True),
    Column("fingerprint", String(64), nullable=False),
    Column("ingredients", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("time", UtcTime, nullable=False),
    Column("seal", String(64), nullable=False),
)
CHECKS = Table(
    "checks",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False, index=True),
    Column("fingerprint", String(64), nullable=False),
    Column("who", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("time", UtcTime, nullable=False),
)
RELEASES = Table(
    "releases",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("model", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("release", Text, nullable=False),
    Column("evaluation", Text, nullable=False),
    Column("time", UtcTime, nullable=False),
    Column("seal", String(64), nullable=False),
    UniqueConstraint("model", "fingerprint", name="one_release_per_fingerprint"),
    UniqueConstraint("model", "version", name="one_release_per_version"),
)
DECISIONS = Table(
    "decisions",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("model", String(40), nullable=False, index=True),
    Column("environment", String(40), nullable=False),
    Column("event", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("previous", Integer),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("verdict_sha256", String(64), nullable=False),
    Column("time", UtcTime, nullable=False),
    Column("before", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("release_seal", String(64)),
    UniqueConstraint("before", name="one_row_follows"),
)
