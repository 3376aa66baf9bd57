"""The ledger: what MLflow cannot promise. Which recipe was run last, and which fingerprint became which version.

Rows are only ever added: what a removed version was made of stays on record. The decisions about environments are in
`history.py` and `chain.py`, in the same database.
"""

from datetime import UTC, datetime

from sqlalchemy import Table, insert, select, update

from tasks.contracts.records import DataRecord
from tasks.contracts.releases import Release
from tasks.contracts.scores import EvaluationRecord
from tasks.core.fingerprint import Ingredients
from tasks.core.record import Record
from tasks.registry.ledger.database import engine
from tasks.registry.ledger.history import History
from tasks.registry.ledger.seals import retired_fingerprint, seal_of, sealed_rows
from tasks.registry.ledger.tables import RELEASES, RUNS


class PastRun(Record):
    """The last time a recipe came to an end: what it was made of, and what became of it."""

    fingerprint: str
    ingredients: Ingredients
    outcome: str
    version: int
    time: datetime


def last_run(recipe: str) -> PastRun | None:
    """Returns the last finished run of a recipe."""
    query = select(RUNS).where(RUNS.c.recipe == recipe).order_by(RUNS.c.id.desc()).limit(1)
    with engine().connect() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    return PastRun(
        fingerprint=row.fingerprint,
        ingredients=Ingredients.model_validate_json(row.ingredients),
        outcome=row.outcome,
        version=row.version,
        time=row.time,
    )


def add_run(recipe: str, ingredients: Ingredients, outcome: str, version: int) -> None:
    """Records that a recipe came to an end."""
    _add(
        RUNS,
        recipe=recipe,
        fingerprint=ingredients.digest,
        ingredients=ingredients.model_dump_json(),
        outcome=outcome,
        version=version,
    )


def find_release(model: str, fingerprint: str) -> Release | None:
    """Returns the release that a fingerprint became."""
    return _release(RELEASES.c.model == model, RELEASES.c.fingerprint == fingerprint)


def release_of(model: str, version: int) -> Release | None:
    """Returns the release of a version."""
    return _release(RELEASES.c.model == model, RELEASES.c.version == version)


def latest_release(model: str, history: History) -> Release | None:
    """Returns the release of the highest version that was not removed."""
    gone = [version for name, version in history.removals() if name == model]
    return _release(RELEASES.c.model == model, RELEASES.c.version.not_in(gone))


def releases() -> tuple[Release, ...]:
    """Returns every release, the oldest of each model first."""
    query = select(RELEASES.c.release).order_by(RELEASES.c.model, RELEASES.c.version)
    with engine().connect() as connection:
        return tuple(Release.model_validate_json(found) for found in connection.execute(query).scalars())


def ingredients_of(release: Release) -> Ingredients | None:
    """Returns what the last run that came to a release was made of."""
    query = select(RUNS.c.ingredients).where(RUNS.c.recipe == release.model, RUNS.c.version == release.version)
    with engine().connect() as connection:
        found = connection.execute(query.order_by(RUNS.c.id.desc()).limit(1)).scalar()
    return Ingredients.model_validate_json(found) if found else None


def evaluation_of(release: Release) -> EvaluationRecord:
    """Returns the evaluation that a release was made from."""
    query = select(RELEASES.c.evaluation).where(
        RELEASES.c.model == release.model, RELEASES.c.version == release.version
    )
    with engine().connect() as connection:
        return EvaluationRecord.model_validate_json(connection.execute(query).scalar_one())


def released_data(model: str) -> DataRecord | None:
    """Returns the data of the latest release of a model; None before the first."""
    release = latest_release(model, History.load(model))
    return None if release is None else evaluation_of(release).data


def add_release(release: Release, evaluation: EvaluationRecord) -> None:
    """Records a release; a fingerprint or a version that is there already is an error of the database."""
    _add(
        RELEASES,
        model=release.model,
        version=release.version,
        fingerprint=release.fingerprint,
        release=release.model_dump_json(),
        evaluation=evaluation.model_dump_json(),
    )


def retire(release: Release) -> None:
    """Frees the fingerprint of a removed release: what is made of it once more is another version.

    The record itself stays as it was.
    """
    retired = update(RELEASES).where(RELEASES.c.model == release.model, RELEASES.c.version == release.version)
    with engine().begin() as connection:
        connection.execute(retired.values(fingerprint=retired_fingerprint(release.version)))


def recipes() -> tuple[str, ...]:
    """Returns the name of every recipe that ever came to an end."""
    with engine().connect() as connection:
        return tuple(connection.execute(select(RUNS.c.recipe).distinct().order_by(RUNS.c.recipe)).scalars())


def rows(history: History) -> tuple[tuple[str, str], ...]:
    """Returns every row about a run or a release, and its state: `ok`, `changed` or `missing`."""
    with engine().connect() as connection:
        return tuple(sealed_rows(connection, history))


def damaged_rows(history: History) -> tuple[str, ...]:
    """Returns in words which rows about runs and releases are not what they were when they were written."""
    return tuple(f"ledger: {name} is {state}" for name, state in rows(history) if state != "ok")


def _add(table: Table, **values: object) -> None:
    content = {"time": datetime.now(UTC), **values}
    with engine().begin() as connection:
        connection.execute(insert(table).values(**content, seal=seal_of(content)))


def _release(*conditions: object) -> Release | None:
    query = select(RELEASES.c.release).where(*conditions).order_by(RELEASES.c.version.desc())  # type: ignore[arg-type]
    with engine().connect() as connection:
        found = connection.execute(query.limit(1)).scalar()
    return Release.model_validate_json(found) if found else None
