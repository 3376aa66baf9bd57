"""A release as it is registered: on a real MLflow, with a real ONNX file and prepared data."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tasks.contracts.releases import Release, Verdict
from tasks.contracts.scores import EvaluationRecord
from tasks.core.errors import IntegrityError
from tasks.core.files import artefact_of, local_path, sha256_of
from tasks.core.record import Artefact
from tasks.registry.gate.verdict_file import keep_verdict, verdict_files
from tasks.registry.ledger import database
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.chain import append
from tasks.registry.ledger.history import History
from tasks.runtime.bundle.bundle import self_test
from tasks.runtime.bundle.manifest import MANIFEST
from tasks.tracking import runs
from tests.registry.judged import judged_on, register


@pytest.fixture(scope="module", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """MLflow and ledger of their own."""
    home = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHOUSE_HOME", str(home))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        runs.client.cache_clear()
        database.engine.cache_clear()
        yield
        runs.client.cache_clear()
        database.engine.cache_clear()


@pytest.fixture
def card(tmp_path: Path) -> Artefact:
    path = tmp_path / "card.md"
    path.write_text("# A tree")
    return artefact_of(path)


@pytest.fixture
def judged(tiny_images: Path, tmp_path: Path) -> EvaluationRecord:
    return judged_on(tiny_images, tmp_path)


def files(release: Release) -> dict[str, Path]:
    paths = [local_path(artefact.uri) for artefact in release.bundle]
    return {path.name: path for path in paths if path}


def test_the_card_is_in_the_bundle_and_the_device_finds_it_good(judged: EvaluationRecord, card: Artefact) -> None:
    release = register(judged, card)
    assert files(release)["card.md"].read_text() == "# A tree"
    assert self_test(files(release)[MANIFEST].parent) == 0.0
    assert release.product_version == version("stillhouse")
    assert release.library_lock == sha256_of(Path("requirements.lock"))
    assert ledger.release_of("trees", release.version) == release


def test_a_release_that_is_there_stays_as_it_is_whatever_the_card_says_now(
    judged: EvaluationRecord, card: Artefact, tmp_path: Path
) -> None:
    release = register(judged, card)
    other = tmp_path / "other.md"
    other.write_text("# Another")
    assert register(judged, artefact_of(other)) == release
    assert files(release)["card.md"].read_text() == "# A tree"


def test_files_that_are_gone_are_made_again_with_the_same_bytes(judged: EvaluationRecord, card: Artefact) -> None:
    release = register(judged, card)
    for path in files(release).values():
        path.unlink()
    later = judged.model_copy(update={"created": judged.created.replace(year=2027)})  # judged again: the same release
    assert register(later, card) == release
    for artefact in release.bundle:
        runs.fetch(artefact)


def test_a_card_that_cannot_be_made_again_is_said_and_nothing_is_written(
    judged: EvaluationRecord, card: Artefact, tmp_path: Path
) -> None:
    release = register(judged, card)
    files(release)["card.md"].unlink()
    other = tmp_path / "other.md"
    other.write_text("# Another")
    with pytest.raises(IntegrityError, match=r"`card\.md`: expected sha256 .*; put the bundle back from a copy"):
        register(judged, artefact_of(other))
    assert not files(release)["card.md"].exists()


def test_verdicts_on_a_release_are_files_that_the_ledger_knows_the_digest_of(
    judged: EvaluationRecord, card: Artefact
) -> None:
    release = register(judged, card)
    verdict = Verdict(environment="edge", failure="it does not run")
    append(History.load(), "refused", "trees", "edge", release.version, "test", verdict)
    keep_verdict(release, verdict)
    ((name, kept),) = verdict_files(release, History.load("trees")).items()
    assert name.startswith("edge-")
    assert runs.fetch(kept).stat().st_size == kept.size
