"""The tables of the ledger."""

from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, Text, UniqueConstraint

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
    Column("time", DateTime(timezone=True), nullable=False),
    Column("seal", String(64)),
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
    Column("time", DateTime(timezone=True), nullable=False),
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
    Column("time", DateTime(timezone=True), nullable=False),
    Column("seal", String(64)),
    UniqueConstraint("model", "fingerprint"),
    UniqueConstraint("model", "version"),
)
DECISIONS = Table(
    "promotions",
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
    Column("time", DateTime(timezone=True), nullable=False),
    Column("before", String(64)),
    Column("digest", String(64)),
    Column("release_seal", String(64)),
    UniqueConstraint("before", name="one_row_follows"),
)
