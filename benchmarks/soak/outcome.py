"""What a world has come to, read from its registry, ledger, files and Prefect: what must be equal, what must not be."""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.soak.world import MODEL
from tasks.contracts.releases import Release
from tasks.contracts.scores import EvaluationRecord, Score

TIMED = {"p50_ms", "p95_ms", "p99_ms", "batch", "footprint"}
"""of a score: no two runs measure the same"""
DATED = ("manifest.json", "card.md")
"""of a bundle: they tell when the evaluation was and what it timed"""
OPEN = "('RUNNING', 'PENDING', 'CANCELLING')"


@dataclass(frozen=True)
class Outcome:
    """What has to be the same as in the undisturbed run, and everything that is wrong in itself."""

    versions: tuple[tuple[str, int, str], ...]
    """model, version and fingerprint of each version in MLflow"""
    releases: tuple[tuple[int, str], ...]
    """version and fingerprint of each release in the ledger"""
    champions: dict[str, int | None]
    """alias -> version"""
    history: tuple[tuple[str, str, int, int | None], ...]
    """event, environment, version and the version before it of every decision"""
    files: dict[str, str]
    """sha256 of weights, ONNX file and bundle of the newest release"""
    metrics: dict[str, dict[str, Any]]
    """of each model that was judged"""
    broken: tuple[str, ...]
    """what the audit and the lineage find"""
    left_open: tuple[str, ...]
    """runs that MLflow or Prefect calls running though no process is"""
    leftovers: tuple[str, ...]
    """checkpoints, metrics on their way, scratch folders"""


def outcome_of(root: Path, prefect: Path) -> Outcome:
    """Reads what a project has come to; for a process of its own, since databases stay open in it."""
    _enter(root)
    from tasks.registry.ledger import entries as ledger
    from tasks.registry.ledger.history import History
    from tasks.registry.versions import KEY, aliases_of
    from tasks.tracking.runs import client

    versions = client().search_model_versions("")
    releases = ledger.releases()
    newest = releases[-1]
    evaluation = ledger.evaluation_of(newest)
    return Outcome(
        versions=tuple(sorted((v.name, int(v.version), v.tags.get(KEY, "")) for v in versions)),
        releases=tuple((release.version, release.fingerprint) for release in releases),
        champions=dict(aliases_of(MODEL)),
        history=tuple((row.event, row.environment, row.version, row.previous) for row in History.load(MODEL).decisions),
        files=_files(newest, evaluation),
        metrics={score.name: _untimed(score) for score in evaluation.scores},
        broken=tuple(_broken(root, releases)),
        left_open=(*_open_runs(root / ".stillhouse/mlflow.db"), *_open_flows(prefect)),
        leftovers=tuple(_leftovers(root / ".stillhouse")),
    )


def leader_is_whole(root: Path) -> tuple[str, ...]:
    """Returns what is damaged of the release that leads `staging` at this moment; nothing where none does."""
    if not (root / ".stillhouse/ledger.db").is_file():
        return ()
    _enter(root)
    from tasks.registry.ledger import entries as ledger
    from tasks.registry.ledger.history import History
    from tasks.registry.lineage.project import ancestry_of
    from tasks.registry.lineage.verify import damage, verify

    history = History.load(MODEL)
    version = history.champion(MODEL, "staging")
    release = None if version is None else ledger.release_of(MODEL, version)
    if version is not None and release is None:
        return (f"version {version} leads staging and is not in the ledger",)
    return damage(verify(ancestry_of(release, history), root)) if release else ()


def differences(expected: Outcome, got: Outcome) -> Iterator[str]:
    """Yields in words which parts of two outcomes are not equal."""
    for field in fields(Outcome):
        meant, found = getattr(expected, field.name), getattr(got, field.name)
        if meant != found:
            yield f"{field.name}: expected {meant}, got {found}"


def _enter(root: Path) -> None:
    os.chdir(root)
    os.environ["STILLHOUSE_HOME"] = str(root / ".stillhouse")
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{root / '.stillhouse/mlflow.db'}"
    os.environ.pop("STILLHOUSE_LEDGER_URI", None)


def _files(release: Release, evaluation: EvaluationRecord) -> dict[str, str]:
    bundle = {artefact.uri.rpartition("/")[2]: artefact.sha256 for artefact in release.bundle}
    made = {"teacher": evaluation.teacher.weights, "student": evaluation.student.weights, "onnx": evaluation.onnx}
    told = {name: digest for name, digest in bundle.items() if name not in DATED}
    return told | {name: artefact.sha256 for name, artefact in made.items()} | {"fingerprint": release.fingerprint}


def _untimed(score: Score) -> dict[str, Any]:
    return score.model_dump(mode="json", exclude=TIMED)


def _broken(root: Path, releases: tuple[Release, ...]) -> Iterator[str]:
    from tasks.registry.ledger.history import History
    from tasks.registry.lineage.project import ancestry_of
    from tasks.registry.lineage.verify import damage, verify, verify_ledger
    from tasks.registry.promotion import audit

    history = History.load()
    yield from map(str, audit(repair=False))
    yield from damage(verify_ledger(history))
    for release in releases:
        yield from damage(verify(ancestry_of(release, history), root))


def _open_runs(database: Path) -> Iterator[str]:
    with sqlite3.connect(database) as connection:
        for (name,) in connection.execute("select name from runs where status in ('RUNNING', 'SCHEDULED')"):
            yield f"MLflow's `{name}`"


def _open_flows(database: Path) -> Iterator[str]:
    with sqlite3.connect(database) as connection:
        for table in ("flow_run", "task_run"):
            for (name,) in connection.execute(f"select name from {table} where state_type in {OPEN}"):
                yield f"Prefect's {table} `{name}`"


def _leftovers(state: Path) -> Iterator[str]:
    for folder in ("checkpoints", "spool", "work"):
        yield from (str(path.relative_to(state)) for path in sorted((state / folder).rglob("*")) if path.is_file())
