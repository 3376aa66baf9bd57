"""The ledger: what MLflow cannot promise. Which fingerprint became which version, what every gate said, who leads.

Rows are only ever added. An alias in MLflow can be moved by anybody and keeps no history; the ledger says what was
decided, and a champion is the version of the last row that says `promoted`.
"""

import getpass
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Literal

from filelock import FileLock
from sqlalchemy import (
    Column,
    DateTime,
    Engine,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    insert,
    select,
)

from tasks.fingerprint import Ingredients
from tasks.records import Record, canonical_digest
from tasks.releases import Release, Verdict
from tasks.scores import EvaluationRecord
from tasks.workspace import state_dir

Event = Literal["refused", "intended", "promoted"]
_tables = MetaData()
_runs = Table(
    "runs",
    _tables,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False, index=True),
    Column("fingerprint", String(64), nullable=False),
    Column("ingredients", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
)
_releases = Table(
    "releases",
    _tables,
    Column("id", Integer, primary_key=True),
    Column("model", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("release", Text, nullable=False),
    Column("evaluation", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    UniqueConstraint("model", "fingerprint"),
    UniqueConstraint("model", "version"),
)
_promotions = Table(
    "promotions",
    _tables,
    Column("id", Integer, primary_key=True),
    Column("model", String(40), nullable=False, index=True),
    Column("environment", String(40), nullable=False),
    Column("event", String(10), nullable=False),
    Column("version", Integer, nullable=False),
    Column("previous", Integer),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("verdict_sha256", String(64), nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
)


class PastRun(Record):
    """The last time a recipe came to an end: what it was made of, and what became of it."""

    fingerprint: str
    ingredients: Ingredients
    outcome: str
    version: int
    time: datetime


def last_run(recipe: str) -> PastRun | None:
    """Returns the last finished run of a recipe."""
    query = select(_runs).where(_runs.c.recipe == recipe).order_by(_runs.c.id.desc()).limit(1)
    with _engine().connect() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    return PastRun(
        fingerprint=row.fingerprint,
        ingredients=Ingredients.model_validate_json(row.ingredients),
        outcome=row.outcome,
        version=row.version,
        time=_aware(row.time),
    )


def add_run(recipe: str, ingredients: Ingredients, outcome: str, version: int) -> None:
    """Records that a recipe came to an end."""
    _add(
        _runs,
        recipe=recipe,
        fingerprint=ingredients.digest,
        ingredients=ingredients.model_dump_json(),
        outcome=outcome,
        version=version,
    )


def find_release(model: str, fingerprint: str) -> Release | None:
    """Returns the release that a fingerprint became."""
    return _release(_releases.c.model == model, _releases.c.fingerprint == fingerprint)


def release_of(model: str, version: int) -> Release | None:
    """Returns the release of a version."""
    return _release(_releases.c.model == model, _releases.c.version == version)


def latest_release(model: str) -> Release | None:
    """Returns the release of the highest version."""
    return _release(_releases.c.model == model)


def evaluation_of(release: Release) -> EvaluationRecord:
    """Returns the evaluation that a release was made from."""
    query = select(_releases.c.evaluation).where(
        _releases.c.model == release.model, _releases.c.version == release.version
    )
    with _engine().connect() as connection:
        return EvaluationRecord.model_validate_json(connection.execute(query).scalar_one())


def add_release(release: Release, evaluation: EvaluationRecord) -> None:
    """Records a release; a fingerprint or a version that is there already is an error of the database."""
    _add(
        _releases,
        model=release.model,
        version=release.version,
        fingerprint=release.fingerprint,
        release=release.model_dump_json(),
        evaluation=evaluation.model_dump_json(),
    )


def champion(model: str, environment: str) -> int | None:
    """Returns the version that was promoted to an environment last."""
    moved = [row for row in promotions(model, environment) if row.event == "promoted"]
    return moved[-1].version if moved else None


def promotions(model: str, environment: str | None = None) -> Sequence[Row[tuple[object, ...]]]:
    """Returns every decision about a model, oldest first."""
    query = select(_promotions).where(_promotions.c.model == model).order_by(_promotions.c.id)
    if environment:
        query = query.where(_promotions.c.environment == environment)
    with _engine().connect() as connection:
        return connection.execute(query).all()


def add_promotion(event: Event, release: Release, verdict: Verdict, previous: int | None, reason: str) -> None:
    """Records one step of a promotion together with what the gate said."""
    _add(
        _promotions,
        model=release.model,
        environment=verdict.environment,
        event=event,
        version=release.version,
        previous=previous,
        who=getpass.getuser(),
        reason=reason,
        verdict=verdict.model_dump_json(),
        verdict_sha256=canonical_digest(verdict.model_dump(mode="json")),
    )


@cache
def _engine() -> Engine:
    """Opens the ledger, made if it is not there; `STILLHOUSE_LEDGER_URI` puts it elsewhere, on PostgreSQL say."""
    state_dir().mkdir(parents=True, exist_ok=True)
    engine = create_engine(os.environ.get("STILLHOUSE_LEDGER_URI", f"sqlite:///{state_dir() / 'ledger.db'}"))
    with FileLock(state_dir() / "ledger.lock"):
        _tables.create_all(engine)
    return engine


def _add(table: Table, **values: object) -> None:
    with _engine().begin() as connection:
        connection.execute(insert(table).values(time=datetime.now(UTC), **values))


def _release(*conditions: object) -> Release | None:
    query = select(_releases.c.release).where(*conditions).order_by(_releases.c.version.desc())  # type: ignore[arg-type]
    with _engine().connect() as connection:
        found = connection.execute(query.limit(1)).scalar()
    return Release.model_validate_json(found) if found else None


def _aware(time: datetime) -> datetime:
    """SQLite gives times back without their zone; all of ours are UTC."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)
