"""A registry with tiny releases, in a folder of its own, and what is killed there: each in a process of its own."""

import os
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from tasks.contracts.records import InputSpec
from tasks.contracts.releases import Release, Verdict
from tasks.contracts.scores import EvaluationRecord
from tasks.contracts.targets import TargetCard
from tasks.core.files import artefact_of, sha256_of
from tasks.registry.channel.creation import create
from tasks.registry.channel.paths import targets_dir
from tasks.registry.channel.rotation import rotate
from tasks.registry.channel.settings import Days
from tasks.registry.channel.status import holdings
from tasks.registry.channel.view import view
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.promotion import AuditFinding, audit, carry_out, reconcile, roll_back
from tasks.registry.release import ensure_release
from tasks.registry.versions import alias_target
from tasks.runtime.bundle.session import Session
from tasks.tracking import runs
from tasks.training.arrays import CARD
from tests.conftest import write_prepared
from tests.evaluate.report import made
from tests.runtime.conftest import linear_model

MODEL = "trees"
STORES = ("mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store", "mlflow.artifacts")
"""what MLflow would import in every process"""
PASSED = Verdict(environment="staging")
Seen = tuple[int | None, int | None]
"""who leads staging, and who led it before"""


def enter(world: Path) -> None:
    """Makes a folder the home of this process: state, ledger and MLflow."""
    os.environ |= {"STILLHOUSE_HOME": str(world), "MLFLOW_TRACKING_URI": f"sqlite:///{world}/mlflow.db"}


def build(world: Path) -> None:
    """Makes data, two releases, of which the first leads staging, and the channel of staging."""
    enter(world)
    spec = InputSpec(layout="image", dtype="uint8", shape=(1, 2, 2))
    write_prepared(world / "data", spec, _noise)
    for name in ("one", "two"):
        _register(world, name)
    carry_out(_release(1), PASSED, "first")
    create("staging", world.with_name("offline"), keys=1, threshold=1, days=Days())


def register(world: Path) -> None:
    """Registers a third student."""
    enter(world)
    _register(world, "three")


def promote(world: Path) -> None:
    """Shows the second release to the gate of staging, which lets it pass."""
    enter(world)
    carry_out(_release(2), PASSED, "second")


def step_back(world: Path) -> None:
    """Moves staging back to the release before."""
    enter(world)
    roll_back(MODEL, "staging", "no better")


def rotate_targets(world: Path) -> None:
    """Gives the channel another key for its targets."""
    enter(world)
    rotate("staging", "targets", world.with_name("offline"))


def wrong(world: Path) -> tuple[AuditFinding, ...]:
    """Returns what an audit finds."""
    enter(world)
    return audit(repair=False)


def offered(world: Path) -> int:
    """Returns the version that a device finds in the channel of staging, every file of it with its very bytes.

    Raises:
        AssertionError: a device would refuse what is there, or not find a file.
    """
    enter(world)
    seen = view("staging")
    assert seen.problem is None
    for path, target in seen.targets.targets.items():
        (served,) = target.get_prefixed_paths()
        target.verify_length_and_hashes((targets_dir("staging") / served).read_bytes())
        assert path.startswith(f"{MODEL}/")
    return holdings(seen)[MODEL]


def start_again(world: Path) -> Seen:
    """Finishes what was interrupted, as every command does that decides; returns who leads.

    Raises:
        AssertionError: the chain, the aliases, the ledger or the channel do not agree, or a device found neither of
            the releases before.
    """
    assert offered(world) in (1, 2)
    reconcile()
    assert audit(repair=False) == ()
    now, before = alias_target(MODEL, "staging"), alias_target(MODEL, "staging-previous")
    assert now == History.load(MODEL).champion(MODEL, "staging") == offered(world)
    return now, before


def registered(world: Path) -> int:
    """Registers the third student once more; returns how many versions there are, each of which has its bundle.

    Raises:
        AssertionError: the ledger and MLflow do not agree, or a fingerprint has two versions.
    """
    register(world)
    releases = [release for release in ledger.releases() if release.model == MODEL]
    versions = runs.client().search_model_versions(f"name = '{MODEL}'")
    assert {int(version.version) for version in versions} == {release.version for release in releases}
    assert len({release.fingerprint for release in releases}) == len(releases)
    for release in releases:
        files = [runs.fetch(artefact) for artefact in release.bundle]
        Session.from_bundle(files[0].parent).predict({"inputs": np.zeros((1, 1, 2, 2), np.uint8)})
    return len(releases)


def _noise(random: np.random.Generator, labels: NDArray[np.int64], spec: InputSpec) -> tuple[NDArray[np.uint8], None]:
    return random.integers(0, 16, (len(labels), *spec.shape), np.uint8), None


def _register(world: Path, name: str) -> Release:
    card = world / "card.md"
    card.write_text("# Three students")
    with _run(name) as run:
        return ensure_release(run, MODEL, _evaluation(world, name), artefact_of(card))


def _run(name: str) -> AbstractContextManager[runs.StageRun]:
    return runs.flow_run(MODEL, name, f"flow-{name}", {})


def _release(version: int) -> Release:
    release = ledger.release_of(MODEL, version)
    assert release is not None
    return release


def _evaluation(world: Path, name: str) -> EvaluationRecord:
    model = onnx.load_from_string(linear_model())
    model.producer_name = name
    (world / f"{name}.onnx").write_bytes(model.SerializeToString())
    weights = artefact_of(world / f"{name}.onnx")
    data = made.data(
        card_sha256=sha256_of(world / "data" / CARD),
        directory=str(world / "data"),
        input=InputSpec(layout="image", dtype="uint8", shape=(1, 2, 2)),
        targets=TargetCard(names=made.CLASSES),
    )
    return made.evaluation(
        name=MODEL,
        data=data,
        teacher=made.model("teacher", weights=weights),
        student=made.model("student", weights=weights),
        onnx=weights,
    )
