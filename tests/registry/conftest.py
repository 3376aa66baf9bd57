from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.registry import database
from tasks.registry.channel.places import served_root
from tests.registry.made_channel import Device, web_server


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
