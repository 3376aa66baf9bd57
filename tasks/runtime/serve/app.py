"""The routes of the device's HTTP server; every answer is JSON."""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ExceptionHandler

from ..bundle.predictor import Predictor
from ..errors import EnrolmentError
from ..preprocess.preprocessor import ModelInputs
from . import inference_protocol, listening, recognising
from .openapi import DETAIL, openapi
from .sample_body import with_samples
from .service import Service, answer


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
            *recognising.routes(service),
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
        limits, enrols = self._service.limits, self._service.enrols
        return await self._service.run(
            lambda model: answer(openapi(model, limits.max_bytes, limits.max_samples, enrols))
        )

    async def predict(self, request: Request) -> Response:
        """Predicts."""
        detail = request.query_params.get(DETAIL, "")
        return await with_samples(self._service, request, lambda model, samples: _predictions(model, samples, detail))


def _predictions(model: Predictor, samples: ModelInputs, detail: str) -> Response:
    return answer({"version": model.receipt.version, "predictions": model.answer(samples, detail)})


def _metadata(model: Predictor) -> Response:
    content = json.loads(model.manifest.to_json())
    return answer({"version": model.receipt.version, "release": model.receipt.release, "manifest": content})


def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = f"`{request.url.path}`: {error.detail}" if error.status_code in (404, 405) else error.detail
    return answer({"error": what}, error.status_code, error.headers)


def _fail(_request: Request, error: Exception) -> Response:
    return answer({"error": str(error)}, 400 if isinstance(error, ClientDisconnect) else 500)


def _conflict(_request: Request, error: Exception) -> Response:
    return answer({"error": str(error)}, 409)


_HANDLERS: dict[Any, ExceptionHandler] = {
    HTTPException: _refuse,
    EnrolmentError: _conflict,
    ClientDisconnect: _fail,
    Exception: _fail,
}
