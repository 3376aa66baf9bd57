"""Listening over HTTP: a client begins a stream, sends sound in pieces, and is told the words detected in each.

A stream lives in memory, and ends with the release that it began with, or when no piece comes for a minute.
"""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..bundle.predictor import Predictor
from ..errors import SettingsError, WrongInputError
from ..listen.listener import Listener, listener_of
from ..preprocess.audio.resample import Resampler
from ..preprocess.audio.wav import PCM, Samples, WavFormat
from .openapi import RATE
from .service import Service, answer

STREAMS = 64
"""at once; each holds one window of sound"""
IDLE_S = 60.0
"""seconds without a piece after which a stream has ended"""


def routes(service: Service) -> Iterator[Route]:
    """Yields the routes of streams."""
    streams = _Streams(service)
    yield Route("/listen", streams.begin, methods=["POST"])
    yield Route("/listen/{stream}", streams.go_on, methods=["POST", "DELETE"])


@dataclass
class _Stream:
    model: Predictor
    listener: Listener
    resampler: Resampler | None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """pieces are heard one after the other"""
    last: float = field(default_factory=monotonic)

    def words(self, samples: Samples) -> Response:
        """Returns the words that are detected in samples at the rate of the model."""
        rate = self.listener.format.rate
        words = [detected.to_json(rate) for detected in self.listener.feed(samples)]
        return answer({"version": self.model.receipt.version, "words": words})


class _Streams:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._streams: dict[str, _Stream] = {}

    async def begin(self, request: Request) -> Response:
        """Begins a stream."""
        asked = request.query_params.get(RATE, "")

        def work(model: Predictor) -> Response:
            stream = _begun(model, asked)
            self._make_room()
            name = secrets.token_hex(8)
            self._streams[name] = stream
            version, rate = model.receipt.version, int(asked or stream.listener.format.rate)
            return answer({"version": version, "stream": name, "rate": rate})

        return await self._service.run(work)

    async def go_on(self, request: Request) -> Response:
        """Hears one piece of a stream, or ends it."""
        return await (self._end(request) if request.method == "DELETE" else self._feed(request))

    async def _feed(self, request: Request) -> Response:
        """Returns the words of one piece."""

        async def work(body: bytes) -> Response:
            stream = self._found(request)
            async with stream.turn:
                return await self._service.run(lambda model: _heard(stream, model, body), len(body))

        return await self._service.with_body(request, work)

    async def _end(self, request: Request) -> Response:
        """Returns the words that waited for more sound."""
        stream = self._found(request)
        self._streams.pop(request.path_params["stream"], None)
        async with stream.turn:
            return await self._service.run(lambda model: _last(stream, model))

    def _found(self, request: Request) -> _Stream:
        name, now = request.path_params["stream"], monotonic()
        stream = self._streams.get(name)
        if stream is None or now - stream.last > IDLE_S:
            raise _gone(name)
        stream.last = now
        return stream

    def _make_room(self) -> None:
        now = monotonic()
        for name in [name for name, stream in self._streams.items() if now - stream.last > IDLE_S]:
            self._streams.pop(name, None)
        if len(self._streams) >= STREAMS:
            raise HTTPException(429, f"`listen`: expected at most {STREAMS} streams at once, got one more; end one")


def _begun(model: Predictor, asked: str) -> _Stream:
    try:
        listener = listener_of(model)
    except SettingsError as error:
        raise HTTPException(404, str(error)) from None
    wanted = listener.format.rate
    if not asked:
        return _Stream(model, listener, None)
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 10):
        raise WrongInputError(f"`{RATE}`: expected samples per second, such as {wanted}, got {asked[:80]!r}")
    listener.format.check_rate(int(asked))
    return _Stream(model, listener, Resampler(int(asked), wanted) if int(asked) != wanted else None)


def _heard(stream: _Stream, model: Predictor, body: bytes) -> Response:
    _require_same(stream, model)
    written = WavFormat(PCM, 1, stream.listener.format.rate, 16)
    if len(body) % written.frame:
        raise WrongInputError(f"body: expected whole samples of {written.frame} bytes, got {len(body)} bytes")
    samples = written.decoded(body)
    return stream.words(stream.resampler.feed(samples) if stream.resampler else samples)


def _last(stream: _Stream, model: Predictor) -> Response:
    _require_same(stream, model)
    rest = [stream.resampler.finish()] if stream.resampler else []
    return stream.words(np.concatenate([*rest, stream.listener.silence()]))


def _require_same(stream: _Stream, model: Predictor) -> None:
    if model is not stream.model:
        raise _gone("the one of the release before")


def _gone(got: str) -> HTTPException:
    expected = f"a stream of this release that had a piece in the last {IDLE_S:g} s"
    return HTTPException(404, f"`listen`: expected {expected}, got {got[:80]}; begin another: POST /listen")
