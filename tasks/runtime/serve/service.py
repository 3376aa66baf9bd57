"""What every route of the server needs: the model of the moment, threads to predict in, and limits."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ..bundle.predictor import Predictor
from ..errors import UnknownNameError, WrongInputError
from ..gallery.store import GalleryStore
from ..preprocess.arrays import SampleLimits
from .served import ServedModel

PATIENCE = 4
"""A request may take this many times as long as a client may say nothing between two of them."""
LIGHT, QUICK_S = 2**14, 0.002
"""bytes of a body that is read in well under a millisecond, and seconds of a prediction that nobody waits for"""
LARGE = 2**18
"""bytes of a body that is worked on by one thread alone: JSON takes up to thirty times its bytes in memory"""


@dataclass(frozen=True)
class ServeLimits:
    """How much a client may ask for."""

    max_bytes: int
    """of one request's body, and of an array that is packed in it"""
    max_samples: int
    """of one request"""
    threads: int
    """predictions at once, and large bodies that arrive at once"""
    timeout_s: float
    """seconds that a client may say nothing between two requests"""

    @property
    def request_s(self) -> float:
        """Seconds in which a request must have arrived."""
        return PATIENCE * self.timeout_s


class Service:
    """Answers requests with the model of the moment; predictions have threads of their own.

    Args:
        model: that answers.
        limits: of what a client may ask for.
        enrols: whether clients may enrol, list and forget names.
    """

    def __init__(self, model: ServedModel, limits: ServeLimits, enrols: bool = False) -> None:
        self.model, self.limits = model, limits
        self.galleries, self.enrols = GalleryStore(model.home), enrols
        self.read = SampleLimits(limits.max_samples, limits.max_bytes)
        self._arriving = asyncio.Semaphore(limits.threads)
        self._pool = ThreadPoolExecutor(limits.threads, "predict")
        self._large = ThreadPoolExecutor(1, "large")
        self._quick = False

    def loaded(self) -> Predictor:
        """Returns the release in memory at once; a new one is loaded meanwhile."""
        if not self.model.is_current():
            self._pool.submit(self.model.get)
        return self.model.loaded

    async def run(self, work: Callable[[Predictor], Response], size: int = LIGHT + 1) -> Response:
        """Returns what `work` answers with the current release.

        It works in a thread, so that other requests are answered meanwhile. To hand a request over costs several times
        what a small model costs: a light request is answered at once, as long as the one before it took no time.

        Args:
            work: what is done with the release.
            size: bytes of the body; at most `LIGHT` only where they cannot become much more when they are read.
        """

        def done(model: Predictor) -> Response:
            started = perf_counter()
            try:
                return work(model)
            except WrongInputError as error:  # an exception holds what was read until it is gone
                return answer({"error": str(error)}, 404 if isinstance(error, UnknownNameError) else 400)
            finally:
                if size <= LIGHT:
                    self._quick = perf_counter() - started < QUICK_S

        if size <= LIGHT and self._quick and self.model.is_current():
            return done(self.model.loaded)
        pool = self._large if size > LARGE else self._pool
        return await asyncio.get_running_loop().run_in_executor(pool, lambda: done(self.model.get()))

    async def with_body(self, request: Request, work: Callable[[bytes], Awaitable[Response]]) -> Response:
        """Returns what `work` answers for a request's body; few large ones are in memory at once."""
        length = int(request.headers.get("content-length", LARGE + 1))
        if "content-length" in request.headers and length > self.limits.max_bytes:
            raise self._too_long(length)
        if length <= LARGE:
            return await work(await self._body(request))
        async with self._arriving:
            return await work(await self._body(request))

    async def _body(self, request: Request) -> bytes:
        body, more = bytearray(), True
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.limits.max_bytes:
                raise self._too_long(len(body))
        return bytes(body)

    def _too_long(self, length: int) -> HTTPException:
        return HTTPException(413, f"body: expected at most {self.limits.max_bytes} bytes, got {length}")


def answer(content: dict[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Returns an answer in JSON."""
    body = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    return Response(body, status, headers, "application/json")
