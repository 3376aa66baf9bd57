"""A device whose model is served by a process of its own."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tasks.runtime.device import Device
from tests.runtime.devices import PICTURE

JSON = {"Content-Type": "application/json"}
BODY = json.dumps({"inputs": PICTURE.tolist()}).encode()


class Served:
    """The process, and how to ask it."""

    def __init__(self, device: Device, process: subprocess.Popen[str], port: int) -> None:
        self.device, self.process, self.port = device, process, port

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, Any]:
        """Returns status, headers and content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.headers, json.loads(response.read() or b"null")

    def label(self) -> str:
        return str(self.ask("POST", "/predict", BODY, **JSON)[2]["predictions"][0]["label"])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def exchange(self, *sent: bytes) -> bytes:
        """Returns all that comes back on one connection, until the server hangs up or says nothing for a second."""
        with self.connect() as connection:
            connection.settimeout(1)
            received = b""
            try:
                for part in sent:
                    connection.sendall(part)
                while chunk := connection.recv(65536):
                    received += chunk
            except (TimeoutError, ConnectionError):
                pass
            return received


PROGRAM = (sys.executable, "-m", "tasks.runtime")


@contextmanager
def serving(device: Device, *options: str, program: Sequence[str] = PROGRAM) -> Iterator[Served]:
    """Serves a device that runs the first release of its model."""
    asked = [*program, "--home", str(device.home.path), "serve", "--port", "0", *options]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        assert " version 1 on http://127.0.0.1:" in line
        try:
            yield Served(device, process, int(line.rpartition(":")[2]))
        finally:
            process.send_signal(signal.SIGKILL)
