import http.client
import io
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from tasks.runtime.device import Device
from tasks.runtime.update.home import SLOTS
from tests.runtime.devices import PICTURE, set_up
from tests.runtime.serving import BODY, JSON, Served, serving
from tests.runtime.tuf_world import Files, World

MakeBundle = Callable[..., Files]


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, world: World, make_bundle: MakeBundle) -> Iterator[Served]:
    world.publish(make_bundle("one"), 1)
    device = set_up(tmp_path_factory.mktemp("served") / "home", world)
    device.update()
    limits = ("--max-bytes", "2000", "--max-samples", "9", "--threads", "3", "--timeout", "0.5")
    with serving(device, *limits) as served:
        yield served


def test_predictions_are_those_of_the_model(served: Served) -> None:
    status, headers, content = served.ask("POST", "/predict", BODY, **JSON)
    assert (status, headers["Content-Type"], content["version"]) == (200, "application/json", 1)
    assert content["predictions"][0]["label"] == "one 2"
    stream = io.BytesIO()
    np.save(stream, PICTURE)
    again = served.ask("POST", "/predict", stream.getvalue(), Content_Type="application/x-npy")[2]
    assert again == content


def test_health_and_metadata_tell_what_is_served(served: Served) -> None:
    assert served.ask("GET", "/health")[2] == {"status": "ok", "version": 1, "problem": None}
    content = served.ask("GET", "/metadata")[2]
    running = served.device.home.receipt(served.device.home.slot())
    assert running
    assert (content["release"], content["manifest"]["name"]) == (running.release, "tiny")


@pytest.mark.parametrize(
    ("body", "headers", "status", "expected"),
    [
        (b"{", JSON, 400, "expected JSON"),
        (b'{"inputs": [[[[1, 2], [3, 999]]]]}', JSON, 400, "expected numbers that uint8 can hold"),
        (b'{"inputs": [[1, 2]]}', JSON, 400, "expected shape ('any', 1, 2, 2), got (1, 2)"),
        (b"\x93NUMPY", {"Content-Type": "application/x-npy"}, 400, "expected a whole .npy"),
        (BODY, {"Content-Type": "text/csv"}, 415, "expected application/json, application/x-npy"),
        (BODY, {}, 415, "got nothing"),
        (b" " * 2001, JSON, 413, "expected at most 2000 bytes, got 2001"),
        (BODY, JSON | {"Content-Length": "9" * 15}, 413, "expected at most 2000"),
        (BODY, JSON | {"Content-Length": "9" * 99}, 400, "Invalid HTTP request"),
        (BODY, JSON | {"Content-Length": "-1"}, 400, "Invalid HTTP request"),
        (json.dumps([PICTURE[0].tolist()] * 10).encode(), JSON, 400, "expected at most 9 samples, got 10"),
    ],
)
def test_wrong_request_is_answered_with_what_is_wrong(
    served: Served, body: bytes, headers: dict[str, str], status: int, expected: str
) -> None:
    got, _, content = served.ask("POST", "/predict", body, **headers)
    assert got == status
    assert expected in content["error"]


def test_body_in_chunks_is_read(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.request("POST", "/predict", iter([BODY[:9], BODY[9:]]), JSON, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["predictions"][0]["label"] == "one 2"


def test_other_paths_and_methods_are_refused(served: Served) -> None:
    assert served.ask("GET", "/nothing")[0] == 404
    status, headers, _ = served.ask("GET", "/predict")
    assert (status, headers["Allow"]) == (405, "POST")
    status, headers, _ = served.ask("DELETE", "/health")
    assert (status, {*headers["Allow"].split(", ")}) == (405, {"GET", "HEAD"})


def test_openapi_document_describes_what_is_served(served: Served) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = served.ask("GET", "/openapi.json")[2]
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = BODY if method == "post" else None
            status, _, content = served.ask(method.upper(), path, body, **(JSON if body else {}))
            schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
            jsonschema.validate(content, schema)
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate([], schema)
    takes = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.validate(json.loads(BODY), takes)
    batches: list[Any] = [[[[[1, 2], [3, 256]]]], [[[1, 2], [3, 4]]], []]
    for wrong in ({"inputs": batch} for batch in batches):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, takes)
        assert served.ask("POST", "/predict", json.dumps(wrong).encode(), **JSON)[0] == 400


def test_silent_and_dribbling_clients_do_not_keep_others_out(served: Served) -> None:
    begun = b"POST /predict HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n"
    started = monotonic()
    slow = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(3)]
    slow[1].sendall(begun[:20])
    slow[2].sendall(begun)
    assert served.label().endswith("2")  # as soon as a thread is free again
    dribble_until_hung_up(slow[2])
    assert monotonic() - started < 20
    for connection in slow:
        connection.close()


def dribble_until_hung_up(connection: socket.socket) -> None:
    try:
        for _ in range(200):
            connection.sendall(b" ")
            sleep(0.2)
    except OSError:
        return
    pytest.fail("expected to be hung up on")


def soon(holds: Callable[[], bool]) -> None:
    """Waits for what the next requests bring about: while a release is loaded, the one before answers."""
    end = monotonic() + 20
    while not holds():
        assert monotonic() < end


def answers(served: Served, label: str) -> bool:
    return served.label() == label


def test_new_release_is_picked_up_between_two_requests_and_never_a_half_of_it(
    served: Served, world: World, make_bundle: MakeBundle
) -> None:
    seen: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        for version, word in ((2, "two"), (3, "three"), (4, "four")):
            asking = [pool.submit(served.label) for _ in range(12)]
            world.publish(make_bundle(word), version)
            served.device.update()
            seen += [label.result() for label in asking]
            soon(partial(answers, served, f"{word} 2"))
            assert served.ask("GET", "/health")[2] == {"status": "ok", "version": version, "problem": None}
    assert {label.split()[1] for label in seen} == {"2"}
    assert served.ask("GET", "/openapi.json")[2]["info"]["version"] == "4"


def test_broken_release_on_disk_does_not_reach_those_who_ask(served: Served) -> None:
    slot = served.device.home.slot()
    assert slot
    for place in SLOTS:
        (served.device.home.bundle(place) / "model.onnx").write_bytes(b"rotten")
    served.device.home.switch(slot)
    soon(lambda: served.ask("GET", "/health")[2]["status"] == "degraded")
    assert "model.onnx" in served.ask("GET", "/health")[2]["problem"]
    assert served.label() == "four 2"


def test_server_stops_on_sigterm_and_says_nothing(served: Served) -> None:
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=20) == 0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", served.port), timeout=5)


def test_address_that_is_taken_is_said_to_be(device: Device, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        asked = [sys.executable, "-m", "tasks.runtime", "--home", str(device.home.path), "serve", "--port", port]
        ended = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert ended.returncode == 2
    assert f"`127.0.0.1:{port}`: expected a free address" in ended.stderr
