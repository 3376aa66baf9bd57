"""Servers that variables name, on real sockets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tasks.core.servers import named_servers, silent_servers, unreachable

VARIABLES = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "STILLHOUSE_LEDGER_URI")


@pytest.fixture
def closed() -> int:
    """A port of this machine at which nobody listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def guarded() -> Iterator[int]:
    """The port of a server that answers everybody with 401."""

    class Guard(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, *_args: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Guard) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(autouse=True)
def unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is named."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_files_and_what_is_no_address_are_not_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////tmp/mlflow.db")
    monkeypatch.setenv("STILLHOUSE_LEDGER_URI", "postgresql://anna:s3cret:x@host:s3cret/db")
    assert named_servers() == {}
    assert unreachable(named_servers()) is None


def test_each_silent_server_is_one_line_without_its_login(monkeypatch: pytest.MonkeyPatch, closed: int) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://anna:s3cret@127.0.0.1:{closed}")
    monkeypatch.setenv("STILLHOUSE_LEDGER_URI", f"postgresql+psycopg://anna:s3cret@127.0.0.1:{closed}/ledger")
    error = unreachable(named_servers())
    assert error is not None
    lines = str(error).splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        f"`MLFLOW_TRACKING_URI`: expected an answer from http://127.0.0.1:{closed}",
        f"`STILLHOUSE_LEDGER_URI`: expected an answer from postgresql+psycopg://127.0.0.1:{closed}/ledger",
    ]
    assert "s3cret" not in str(error)


def test_a_server_that_wants_a_login_answers(monkeypatch: pytest.MonkeyPatch, guarded: int) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{guarded}/api")
    assert silent_servers(named_servers()) == {}


def test_a_database_answers_where_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        monkeypatch.setenv("STILLHOUSE_LEDGER_URI", f"postgresql://127.0.0.1:{listening.getsockname()[1]}/ledger")
        assert silent_servers(named_servers()) == {}


def test_what_is_no_web_server_does_not_answer_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        threading.Thread(target=_greet, args=(listening,), daemon=True).start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
        monkeypatch.setenv("PREFECT_API_URL", address)
        assert silent_servers(named_servers()) == {"PREFECT_API_URL": address}


def test_mlflow_may_be_a_database_or_what_no_socket_reaches(monkeypatch: pytest.MonkeyPatch, closed: int) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://127.0.0.1:{listening.getsockname()[1]}/mlflow")
        assert silent_servers(named_servers()) == {}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://127.0.0.1:{closed}/mlflow")
    assert [*silent_servers(named_servers())] == ["MLFLOW_TRACKING_URI"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "databricks://profile")
    assert silent_servers(named_servers()) == {}


def _greet(listening: socket.socket) -> None:
    """Speaks first, as no web server does."""
    taken, _ = listening.accept()
    with taken:
        taken.sendall(b"SSH-2.0-server\r\n")
        taken.recv(4096)
