"""What a client may do to a connection that others use, too."""

from collections.abc import Callable, Iterator

import pytest

from tests.runtime.devices import set_up
from tests.runtime.serving import BODY, Served, serving
from tests.runtime.tuf_world import Files, World

HEALTH = b"GET /health HTTP/1.1\r\nHost: device\r\n\r\n"
PREDICT = b"POST /predict HTTP/1.1\r\nHost: device\r\nContent-Type: application/json\r\n"
OK = b"HTTP/1.1 200 OK"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, make_bundle: Callable[..., Files]) -> Iterator[Served]:
    world = World()
    world.publish(make_bundle("one"), 1)
    device = set_up(tmp_path_factory.mktemp("attacked") / "home", world)
    device.update()
    with serving(device, "--timeout", "0.5") as served:
        yield served


def statuses(received: bytes) -> list[int]:
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def test_a_body_of_a_get_is_not_taken_for_the_next_request(served: Served) -> None:
    smuggled = b"GET /nothing HTTP/1.1\r\nHost: device\r\n\r\n"
    asked = HEALTH[:-2] + b"Content-Length: %d\r\n\r\n" % len(smuggled)
    assert statuses(served.exchange(asked, smuggled, PREDICT + b"Content-Length: %d\r\n\r\n" % len(BODY), BODY)) == [
        200,
        200,
    ]


def test_a_refused_body_is_not_taken_for_the_next_request(served: Served) -> None:
    smuggled = b"GET /health HTTP/1.1\r\nHost: device\r\n\r\n"
    asked = PREDICT.replace(b"json", b"xml") + b"Content-Length: %d\r\n\r\n" % len(smuggled)
    received = served.exchange(asked, smuggled, HEALTH.replace(b"health", b"nothing"))
    assert statuses(received) == [415, 404]


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Transfer-Encoding: xchunked\r\n",
    ],
)
def test_a_body_of_two_lengths_is_refused_and_its_connection_ended(served: Served, lengths: bytes) -> None:
    received = served.exchange(PREDICT + lengths + b"\r\n0\r\n\r\n" + HEALTH)
    assert statuses(received) == [400]
    assert b"content-type: application/json" in received
    assert received.endswith(b'{"error": "Invalid HTTP request received."}')


def test_chunks_are_read_and_malformed_ones_refused(served: Served) -> None:
    head = PREDICT + b"Transfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:7], BODY[7:]))
    assert statuses(served.exchange(head + chunks + b"0\r\n\r\n", HEALTH)) == [200, 200]
    assert statuses(served.exchange(head + b"-1\r\nabc\r\n0\r\n\r\n"))[:1] == [400]
    assert statuses(served.exchange(head + b"fffffffffffffffff\r\nabc\r\n")) == [400]


def test_a_body_that_ends_early_hurts_nobody_else(served: Served) -> None:
    for _ in range(50):
        with served.connect() as connection:
            connection.sendall(PREDICT + b"Content-Length: 999\r\n\r\n" + BODY[:9])
    assert served.label() == "one 2"
    assert served.ask("GET", "/health")[0] == 200


def test_a_body_that_does_not_come_is_answered_in_time(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(PREDICT + b"Content-Length: 999\r\n\r\n" + BODY[:9])
        received = connection.makefile("rb").read()
    assert statuses(received) == [408]
    assert received.endswith(b'{"error": "request: expected all of it within 2 s, got a part"}')


def test_a_connection_is_ended_without_an_answer_to_nothing(served: Served) -> None:
    with served.connect() as silent:
        assert silent.makefile("rb").read() == b""
    refused = PREDICT.replace(b"json", b"xml") + b"Content-Length: 99\r\n\r\n"
    with served.connect() as slow:
        slow.sendall(refused)
        assert statuses(slow.makefile("rb").read()) == [415]


def test_a_large_body_that_is_refused_leaves_the_connection_usable(served: Served) -> None:
    body = b"a" * 2**20
    received = served.exchange(
        PREDICT.replace(b"json", b"xml") + b"Content-Length: %d\r\n\r\n" % len(body), body, HEALTH
    )
    assert statuses(received) == [415, 200]


def test_a_head_without_end_is_refused(served: Served) -> None:
    received = served.exchange(HEALTH[:-2], *[b"X-Long: " + b"a" * 1000 + b"\r\n"] * 100)
    assert statuses(received) in ([400], [])  # a client that goes on sending may miss the answer
    assert statuses(served.exchange(b"NOT HTTP\r\n\r\n")) == [400]
