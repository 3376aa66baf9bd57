import os
from pathlib import Path
from unittest.mock import patch

import pytest

from tasks.core.environment import prepare_environment
from tasks.core.errors import InputError
from tasks.core.servers import login_of, without_login
from tasks.registry.ledger import database
from tasks.upkeep.doctor import named_servers


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("postgresql+psycopg://anna:s3cret@db:5432/ledger", "postgresql+psycopg://db:5432/ledger"),
        ("cannot open http://anna:p@ss:w@mlflow:5000/api, gave up", "cannot open http://mlflow:5000/api, gave up"),
        ("`https://token@host`: expected an answer", "`https://host`: expected an answer"),
        ("http://127.0.0.1:4200/api and a@b", "http://127.0.0.1:4200/api and a@b"),
        ("sqlite:////tmp/a@b/mlflow.db", "sqlite:////tmp/a@b/mlflow.db"),
    ],
)
def test_an_address_is_shown_without_name_and_password(said: str, shown: str) -> None:
    assert without_login(said) == shown


def test_a_login_is_read_with_its_special_characters() -> None:
    assert login_of("http://anna:p%40ss@mlflow:5000") == ("anna", "p@ss")
    assert login_of("http://mlflow:5000/a@b") == ("", "")


def test_the_login_of_an_mlflow_server_goes_into_the_variables_that_mlflow_reads(tmp_path: Path) -> None:
    # All variables are put back afterwards.
    with patch.dict(os.environ, STILLHOUSE_HOME=str(tmp_path), MLFLOW_TRACKING_URI="http://anna:p%40ss@127.0.0.1:9/ml"):
        for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
            os.environ.pop(name, None)
        prepare_environment()
        assert os.environ["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:9/ml"
        assert os.environ["MLFLOW_TRACKING_USERNAME"] == "anna"
        assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "p@ss"


def test_what_is_no_address_of_an_mlflow_server_is_refused(tmp_path: Path) -> None:
    named = patch.dict(os.environ, STILLHOUSE_HOME=str(tmp_path), MLFLOW_TRACKING_URI="http://[bad")
    with named, pytest.raises(InputError, match="`MLFLOW_TRACKING_URI`: expected an address such as"):
        prepare_environment()


def test_the_doctor_names_a_server_without_its_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://anna:s3cret@127.0.0.1:9/api")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (finding,) = named_servers()
    assert "http://127.0.0.1:9/api" in str(finding)
    assert "s3cret" not in str(finding)


@pytest.mark.parametrize("address", ["s3cret", "postgresql://anna:s3cret:x@host:s3cret/db", "s3cret://host/db"])
def test_what_is_no_address_of_a_ledger_is_refused_without_repeating_it(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("STILLHOUSE_LEDGER_URI", address)
    database.engine.cache_clear()
    with pytest.raises(InputError, match="`STILLHOUSE_LEDGER_URI`: expected an SQLAlchemy URL") as refused:
        database.engine()
    assert "s3cret" not in str(refused.value)
    assert refused.value.exit_code == 2
