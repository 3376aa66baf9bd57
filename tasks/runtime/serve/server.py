"""Serves over HTTP with uvicorn, for staging and for gateways; within limits of size, number and time."""

import asyncio
import ctypes
import logging
import resource
import signal
import socket
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..device import Device
from ..errors import SettingsError
from .app import make_app
from .served import ServedModel
from .service import ServeLimits, Service

BACKLOG = 1024
M_MMAP_THRESHOLD, LARGE_BLOCK = -3, 2**17
"""of `mallopt` in <malloc.h>; bytes"""
LONGEST_HEAD = 2**16
"""bytes before a body; the parser has no limit of its own"""
_REFUSED = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"


class Connection(HttpToolsProtocol):
    """A connection that is given up when the head of a request is too long, or a request does not arrive in time."""

    def __init__(self, request_s: float, **settings: Any) -> None:
        super().__init__(**settings)
        self._request_s, self._head = request_s, 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for a request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Parses what has come, unless the head grows too long."""
        self._head = self._head + len(data) if self._in_head() else 0
        super().data_received(data)
        self._watch()
        if self._in_head() and self._head > LONGEST_HEAD and not self.transport.is_closing():
            self.send_400_response(f"request: expected a head of at most {LONGEST_HEAD} bytes, got a longer one")

    def on_response_complete(self) -> None:
        """Begins to wait for the next request."""
        self._head = 0
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the wait."""
        super().connection_lost(exc)
        if self._deadline:
            self._deadline.cancel()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP in JSON, and hangs up."""
        self._refuse(b"400 Bad Request", msg)

    def _too_late(self) -> None:
        self._refuse(b"408 Request Timeout", f"request: expected all of it within {self._request_s:g} s, got a part")

    def _refuse(self, status: bytes, problem: str) -> None:
        """Hangs up, with an answer only where none was given: another client may read what is left on a connection."""
        begun = self._head if self._in_head() else self.cycle.more_body and not self.cycle.response_started
        if begun:
            content = b'{"error": "%s"}' % problem.encode()
            self.transport.write(_REFUSED % (status, len(content), content))
        self.transport.close()

    def _in_head(self) -> bool:
        return self.cycle is None or (self.cycle.response_complete and not self.cycle.more_body)

    def _watch(self) -> None:
        """Runs the clock while a request is awaited or arrives, and stops it when it is there."""
        there = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        if not there and self._deadline is None:
            self._deadline = self.loop.call_later(self._request_s, self._too_late)
        elif there and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def serve(
    device: Device, host: str, port: int, limits: ServeLimits, say: Callable[[str], None], enrols: bool = False
) -> None:
    """Serves until SIGTERM or SIGINT; those who are being answered then get their answer.

    Args:
        device: with a release to run.
        host: address to listen on.
        port: 0 takes a free one.
        limits: of what a client may ask for.
        say: told one line with the address.
        enrols: whether clients may enrol, list and forget names.

    Raises:
        SettingsError: the address cannot be listened on, or a limit is none.
        NoModelError: there is no release to run.
    """
    if min(limits.max_bytes, limits.max_samples, limits.threads) < 1 or not 0 < limits.timeout_s < inf:
        raise SettingsError(f"`serve`: expected limits above 0, got {limits}; give others")
    model = ServedModel(device)
    predictor, listening = model.get(), _listening(host, port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    _allow_many_connections()
    _give_back_large_blocks()
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # what is wrong is answered, not printed
    say(f"{predictor.manifest.name} version {predictor.receipt.version} on http://{host}:{listening.getsockname()[1]}")
    uvicorn.Server(_config(Service(model, limits, enrols))).run([listening])


def _config(service: Service) -> uvicorn.Config:
    limits = service.limits
    return uvicorn.Config(
        make_app(service),
        http=cast(Any, partial(Connection, limits.request_s)),
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=max(1, round(limits.timeout_s)),
        timeout_graceful_shutdown=max(1, round(limits.request_s)),
    )


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise SettingsError(f"`{host}:{port}`: expected a free address, got {error}; give another --port") from None


def _allow_many_connections() -> None:
    """Takes as many open files as the system allows: a slow client costs a file, and nothing else."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _give_back_large_blocks() -> None:
    """Lets glibc give large blocks back when they are freed; by itself it keeps them after the first."""
    change = getattr(ctypes.CDLL(None), "mallopt", None)
    if change is not None:
        change(M_MMAP_THRESHOLD, LARGE_BLOCK)


def _stopped(_number: int, _frame: Any) -> None:
    """Is called when the server has stopped, by uvicorn, which raises the signal again."""
