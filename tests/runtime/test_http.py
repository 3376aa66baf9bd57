"""A channel on a real web server, and servers that misbehave."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import numpy as np
import pytest

from tasks.runtime.device import Device
from tasks.runtime.errors import ChannelError, OfflineError
from tasks.runtime.update.fetcher import HttpFetcher
from tests.runtime.devices import PICTURE, set_up
from tests.runtime.tuf_world import Files, World
from tests.runtime.web_server import web_server

MakeBundle = Callable[..., Files]


def edge(home: Path, *arguments: str, fed: bytes = b"") -> str:
    """Runs the command in a process of its own and returns what it says."""
    asked = [sys.executable, "-m", "tasks.runtime", "--home", str(home), *arguments]
    ended = subprocess.run(asked, check=False, capture_output=True, input=fed)
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout.decode()


def test_update_from_a_web_server_and_prediction_in_another_process(
    tmp_path: Path, world: World, make_bundle: MakeBundle
) -> None:
    world.publish(make_bundle("one"), 1)
    world.write(tmp_path / "edge")
    (tmp_path / "root.json").write_bytes(world.anchor)
    np.save(tmp_path / "samples.npy", PICTURE)
    home = tmp_path / "home"
    with web_server(tmp_path) as url:
        edge(home, "init", f"{url}/edge", "--model", "tiny", "--root", str(tmp_path / "root.json"))
        assert edge(home, "update").startswith("version 1; golden difference 0, p95 ")
    said = json.loads(edge(home, "run", str(tmp_path / "samples.npy")))
    assert said["label"] == "one 2"
    assert said["confidence"] == said["probabilities"]["one 2"] > 0.9
    assert sum(said["probabilities"].values()) == pytest.approx(1)


@contextmanager
def misbehaving(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listens on this machine, and does the same to everybody who connects."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection = listening.accept()[0]
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    behave(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def dribble(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
    for _ in range(40):
        sleep(0.05)
        connection.sendall(b"x")


def say_nothing(_connection: socket.socket) -> None:
    sleep(0.6)


def never_stop(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"\0" * 65_536)


def talk_nonsense(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example ready\r\n")


@pytest.mark.parametrize(
    ("behave", "error", "expected"),
    [
        (dribble, OfflineError, r"not whole after 0\.4 s"),
        (say_nothing, OfflineError, r"nothing for 0\.2 s"),
        (never_stop, ChannelError, "^endless data: "),
        (talk_nonsense, OfflineError, "the model stays"),
    ],
)
def test_server_that_misbehaves_is_left_in_time(
    tmp_path: Path, world: World, behave: Callable[[socket.socket], None], error: type[Exception], expected: str
) -> None:
    with misbehaving(suppressing_hang_ups(behave)) as url:
        device = set_up(tmp_path / "home", world, url=url)
        with pytest.raises(error, match=expected):
            Device(device.home.path, HttpFetcher(silence_s=0.2, whole_s=0.4)).update()


def suppressing_hang_ups(behave: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    def until_they_go(connection: socket.socket) -> None:
        try:
            behave(connection)
        except OSError:
            return

    return until_they_go


def test_address_without_a_channel_is_said_to_be_wrong(tmp_path: Path, world: World) -> None:
    with web_server(tmp_path) as url:
        device = set_up(tmp_path / "home", world, url=f"{url}/nowhere")
        with pytest.raises(OfflineError, match=r"`timestamp\.json`: .* HTTP status 404; check the channel's address"):
            Device(device.home.path).update()
