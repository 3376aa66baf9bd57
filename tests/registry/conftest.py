"""A registry to decide in: a real MLflow on a new SQLite file with a new ledger beside it, or a ledger and a device."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tasks.registry.channel.paths import served_root
from tasks.registry.ledger import database
from tasks.tracking import runs
from tests.postgresql import Cluster, running_cluster
from tests.registry.made import forget
from tests.registry.made_channel import Device, web_server


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowClient]:
    """A real MLflow on a new SQLite file, and a new ledger beside it."""
    home = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHOUSE_HOME", str(home))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        forget()
        yield runs.client()
        forget()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty state folder with a new ledger; there is no MLflow in it."""
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / "state"))
    for name in ("STILLHOUSE_CHANNEL", "STILLHOUSE_CHANNEL_KEYS", "STILLHOUSE_ROOT_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    database.engine.cache_clear()
    yield tmp_path / "state"
    database.engine.cache_clear()


@pytest.fixture
def device(home: Path, tmp_path: Path) -> Iterator[Device]:
    """A device of `edge` that updates from a web server."""
    with web_server(served_root()) as address:
        yield Device(tmp_path / "device", address)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real PostgreSQL; the test is skipped where there is none and none can be installed."""
    with running_cluster() as cluster:
        yield cluster
