"""Answers over HTTP with the standard library, for staging and for gateways; within limits of size and time."""

import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from math import inf
from threading import Thread
from time import monotonic
from typing import Any

from ..device import Device
from ..errors import SettingsError
from .handler import Handler
from .served import ServedModel

PATIENCE = 4
"""A request, from the wait for it to the end of its answer, has this many times as long as a client may be silent."""


@dataclass(frozen=True)
class ServeLimits:
    """How much a client may ask for."""

    max_bytes: int
    """of one request's body"""
    threads: int
    """connections that are answered at once"""
    timeout_s: float
    """seconds that a client may say nothing"""


class EdgeServer(ThreadingHTTPServer):
    """An HTTP server with a fixed number of threads that answers with one device's model."""

    daemon_threads = False

    def __init__(self, device: Device, address: tuple[str, int], limits: ServeLimits) -> None:
        self.model = ServedModel(device)
        self.max_bytes, self.idle_s = limits.max_bytes, limits.timeout_s
        self.request_s = PATIENCE * limits.timeout_s
        self.deadlines: dict[socket.socket, float] = {}
        """when each connection must have had its answer; by the handler, in seconds of the monotonic clock"""
        self._pool = ThreadPoolExecutor(limits.threads, "serve")
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hands a connection to a thread of the pool; it waits while all are busy."""
        self._pool.submit(self.process_request_thread, request, client_address)

    def service_actions(self) -> None:
        """Hangs up on connections whose time is over; called twice a second."""
        for connection, deadline in list(self.deadlines.items()):
            if monotonic() > deadline:
                self.deadlines.pop(connection, None)
                _hang_up(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of clients that went away."""

    def server_close(self) -> None:
        """Stops listening; those who are being answered get their answer."""
        self.socket.close()
        for connection in list(self.deadlines):
            self.deadlines[connection] = monotonic() + self.idle_s
        self._pool.shutdown(wait=True, cancel_futures=True)


def serve(device: Device, host: str, port: int, limits: ServeLimits, say: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT.

    Args:
        device: with a release to run.
        host: address to listen on.
        port: 0 takes a free one.
        limits: of what a client may ask for.
        say: told one line with the address.

    Raises:
        SettingsError: the address cannot be listened on, or a limit is none.
        NoModelError: there is no release to run.
    """
    if limits.max_bytes < 1 or limits.threads < 1 or not 0 < limits.timeout_s < inf:
        raise SettingsError(f"`serve`: expected limits above 0, got {limits}; give others")
    try:
        server = EdgeServer(device, (host, port), limits)
    except (OSError, OverflowError) as error:
        raise SettingsError(f"`{host}:{port}`: expected a free address, got {error}; give another --port") from None
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: Thread(target=server.shutdown).start())
    predictor = server.model.get()
    say(f"{predictor.manifest.name} version {predictor.receipt.version} on http://{host}:{server.server_address[1]}")
    with server:
        server.serve_forever()


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has gone by itself
