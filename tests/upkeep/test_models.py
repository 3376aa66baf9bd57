"""Models in MLflow: what no release is goes, with its files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.core.files import artefact_of
from tasks.registry.ledger import database
from tasks.registry.ledger import entries as ledger
from tasks.tracking import runs
from tasks.upkeep.mlflow_models import unneeded_models
from tasks.upkeep.needs import needs_of
from tests.registry.judged import judged_on, register


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow and ledger of their own."""
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'state/mlflow.db'}")
    (tmp_path / "state").mkdir()
    runs.client.cache_clear()
    database.engine.cache_clear()
    yield
    runs.client.cache_clear()
    database.engine.cache_clear()


def test_the_model_of_a_removed_release_goes_with_its_files_and_no_other_does(
    tiny_images: Path, tmp_path: Path
) -> None:
    (tmp_path / "card.md").write_text("# trees")
    made = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        release = register(judged_on(tiny_images, tmp_path / name), artefact_of(tmp_path / "card.md"))
        made.append((release, ledger.evaluation_of(release)))
    assert [*unneeded_models(needs_of(made))] == []
    (garbage,) = unneeded_models(needs_of(made[1:]))
    assert garbage.path is not None
    assert garbage.bytes > made[0][1].onnx.size
    garbage.remove()
    assert not garbage.path.exists()
    assert [*unneeded_models(needs_of(made[1:]))] == []
    for artefact in made[1][0].bundle:
        runs.fetch(artefact)
