"""The routes of the device's HTTP server; every answer is JSON."""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ExceptionHandler, Message

from ..bundle.predictor import Predictor
from ..preprocess.arrays import joined, read_samples
from . import inference_protocol, listening
from .openapi import DETAIL, MULTIPART, media_types, openapi
from .service import LIGHT, Service, answer


def make_app(service: Service) -> Starlette:
    """Returns the server's own routes, and those of the Open Inference Protocol."""
    routes = _Routes(service)
    return Starlette(
        routes=[
            Route("/health", routes.health),
            Route("/metadata", routes.metadata),
            Route("/openapi.json", routes.openapi),
            Route("/predict", routes.predict, methods=["POST"]),
            *inference_protocol.routes(service),
            *listening.routes(service),
        ],
        exception_handlers=_HANDLERS,
    )


class _Routes:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def health(self, _request: Request) -> Response:
        """Says whether the current release answers; waits for no prediction."""
        version, problem = self._service.loaded().receipt.version, self._service.model.problem
        return answer({"status": "degraded" if problem else "ok", "version": version, "problem": problem})

    async def metadata(self, _request: Request) -> Response:
        """Returns the manifest."""
        return await self._service.run(_metadata)

    async def openapi(self, _request: Request) -> Response:
        """Describes the routes."""
        limits = self._service.limits
        return await self._service.run(lambda model: answer(openapi(model, limits.max_bytes, limits.max_samples)))

    async def predict(self, request: Request) -> Response:
        """Predicts."""
        kind = request.headers.get("content-type", "nothing").partition(";")[0].strip().lower()
        taken = media_types(self._service.model.loaded.preprocessor)
        if kind not in taken:
            raise HTTPException(415, f"`Content-Type`: expected {', '.join(taken)}, got {kind}")

        async def work(body: bytes) -> Response:
            files = await _parts(request, body) if kind == MULTIPART else [body]
            # The bytes say what they are; those of a small file may be those of a large picture.
            size = len(body) if body[:1] in (b"{", b"[") else max(len(body), LIGHT + 1)
            detail = request.query_params.get(DETAIL, "")
            return await self._service.run(lambda model: self._predictions(model, files, detail), size)

        return await self._service.with_body(request, work)

    def _predictions(self, model: Predictor, files: list[bytes], detail: str) -> Response:
        takes, limits = model.session.inputs["inputs"], self._service.read
        samples = joined([read_samples(file, takes, model.preprocessor, limits) for file in files])
        limits.check(samples)
        return answer({"version": model.receipt.version, "predictions": model.answer(samples, detail)})


async def _parts(request: Request, body: bytes) -> list[bytes]:
    """Returns the files in a `multipart/form-data`."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async with Request(request.scope, receive).form() as form:
        files = [await part.read() for _, part in form.multi_items() if isinstance(part, UploadFile)]
        if not files or len(files) < len(form.multi_items()):
            raise HTTPException(400, "body: expected files alone, got none or other fields; give `file=@NAME`")
        return files


def _metadata(model: Predictor) -> Response:
    content = json.loads(model.manifest.to_json())
    return answer({"version": model.receipt.version, "release": model.receipt.release, "manifest": content})


def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = f"`{request.url.path}`: {error.detail}" if error.status_code in (404, 405) else error.detail
    return answer({"error": what}, error.status_code, error.headers)


def _fail(_request: Request, error: Exception) -> Response:
    return answer({"error": str(error)}, 400 if isinstance(error, ClientDisconnect) else 500)


_HANDLERS: dict[Any, ExceptionHandler] = {HTTPException: _refuse, ClientDisconnect: _fail, Exception: _fail}
