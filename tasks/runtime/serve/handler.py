"""One HTTP request: routes, limits, and answers in JSON."""

import json
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from time import monotonic
from typing import Any, Protocol, cast

from ..bundle.predictor import Predictor
from ..bundle.session import INPUTS, Arrays
from ..errors import WrongInputError
from ..preprocess.arrays import read_json, read_npy
from .openapi import openapi
from .served import ServedModel

JSON, NPY = "application/json", "application/x-npy"
DRAINED = 2**20
"""bytes of a refused body that are read and forgotten, so that its sender gets to read why"""
ROUTES = {"/health": "GET", "/metadata": "GET", "/openapi.json": "GET", "/predict": "POST"}


class RequestError(Exception):
    """A request that is answered with a status and a message."""

    def __init__(self, status: HTTPStatus, message: str, **headers: str) -> None:
        self.status, self.headers = status, headers
        super().__init__(message)


class Server(Protocol):
    """What a handler needs of the server that it answers for."""

    model: ServedModel
    max_bytes: int
    """of one request's body"""
    idle_s: float
    """seconds that a client may say nothing"""
    request_s: float
    """seconds from the wait for a request to the end of its answer"""
    deadlines: dict[socket.socket, float]
    """when each connection must have had its answer, in seconds of the monotonic clock"""


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "stillhouse-edge"
    sys_version = ""

    def setup(self) -> None:
        """Limits how long a client may say nothing."""
        self.request.settimeout(self._server.idle_s)
        super().setup()

    def handle_one_request(self) -> None:
        """Answers one request before the deadline of its connection."""
        self._server.deadlines[self.connection] = monotonic() + self._server.request_s
        try:
            super().handle_one_request()
        finally:
            self._server.deadlines.pop(self.connection, None)

    def answer(self) -> None:
        """Answers with JSON; a request that is refused unread ends the connection."""
        try:
            status, content, headers = HTTPStatus.OK, self._content(), {}
        except RequestError as error:
            status, content, headers = error.status, {"error": str(error)}, error.headers | {"Connection": "close"}
        except Exception as error:  # whoever asked gets an answer, and the server goes on
            status, content, headers = HTTPStatus.INTERNAL_SERVER_ERROR, {"error": str(error)}, {}
        self._send(status, content, headers)
        if "Connection" in headers:
            self._drain()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keeps the terminal quiet."""

    @property
    def _server(self) -> Server:
        return cast(Server, self.server)

    def _content(self) -> dict[str, Any]:
        path = self.path.partition("?")[0]
        method = ROUTES.get(path)
        if method is None:
            raise RequestError(HTTPStatus.NOT_FOUND, f"`{path}`: expected one of {', '.join(ROUTES)}")
        if self.command != method:
            raise RequestError(
                HTTPStatus.METHOD_NOT_ALLOWED, f"`{path}`: expected {method}, got {self.command}", Allow=method
            )
        model = self._server.model.get()
        match path:
            case "/health":
                return _health(model, self._server.model.problem)
            case "/metadata":
                return _metadata(model)
            case "/openapi.json":
                return openapi(model, self._server.max_bytes)
        return self._predictions(model)

    def _predictions(self, model: Predictor) -> dict[str, Any]:
        try:
            samples = self._samples(model)
            predictions = model.predict(samples)
        except WrongInputError as error:
            raise RequestError(HTTPStatus.BAD_REQUEST, str(error)) from None
        return {"version": model.receipt.version, "predictions": predictions}

    def _samples(self, model: Predictor) -> Arrays:
        kind = self.headers.get_content_type() if "Content-Type" in self.headers else "nothing"
        if kind not in (JSON, NPY):
            raise RequestError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"`Content-Type`: expected {JSON} or {NPY}, got {kind}"
            )
        body = self._body()
        return {INPUTS: read_npy(body)} if kind == NPY else read_json(body, model.session.inputs["inputs"])

    def _body(self) -> bytes:
        length, limit = self.headers.get("Content-Length", ""), self._server.max_bytes
        if not length.isascii() or not length.isdigit() or "Transfer-Encoding" in self.headers:
            raise RequestError(HTTPStatus.LENGTH_REQUIRED, "`Content-Length`: expected the number of bytes")
        if len(length) > len(str(limit)) or int(length) > limit:
            raise RequestError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"`Content-Length`: expected at most {limit}, got {length[:20]}"
            )
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise RequestError(HTTPStatus.BAD_REQUEST, f"body: expected {length} bytes, got {len(body)}")
        return body

    def _send(self, status: HTTPStatus, content: dict[str, Any], headers: dict[str, str]) -> None:
        body = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
        self.send_response(status)
        for name, value in {"Content-Type": JSON, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _drain(self) -> None:
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        left = DRAINED
        while left > 0 and (chunk := self.rfile.read1(min(left, 2**16))):
            left -= len(chunk)


def _health(model: Predictor, problem: str | None) -> dict[str, Any]:
    return {"status": "degraded" if problem else "ok", "version": model.receipt.version, "problem": problem}


def _metadata(model: Predictor) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(model.manifest.to_json())
    return {"version": model.receipt.version, "release": model.receipt.release, "manifest": content}
