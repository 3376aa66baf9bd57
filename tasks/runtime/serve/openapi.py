"""What the server speaks, as OpenAPI 3.1, made from the model that it answers with."""

from typing import Any

from ..bundle.manifest import TensorInfo
from ..bundle.predictor import Predictor

_TEXT, _NUMBER, _COUNT = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}
_ERRORS = {
    "400": "the samples are not what the model takes",
    "411": "no length was given",
    "413": "the body is too long",
    "415": "neither JSON nor .npy",
    "500": "the model failed",
}


def openapi(model: Predictor, max_bytes: int) -> dict[str, Any]:
    """Returns the document for the release that is loaded; `max_bytes` limits the body of a request."""
    version = str(model.receipt.version)
    return {
        "openapi": "3.1.0",
        "info": {"title": model.manifest.name, "version": version, "description": f"bodies up to {max_bytes} bytes"},
        "paths": {
            "/health": _get("whether the current release answers", _object(status=_TEXT, version=_COUNT, problem={})),
            "/metadata": _get("the manifest", _object(version=_COUNT, release=_TEXT, manifest={"type": "object"})),
            "/openapi.json": _get("this document", {"type": "object"}),
            "/predict": {"post": _predict(model)},
        },
    }


def _predict(model: Predictor) -> dict[str, Any]:
    answer = model.decoder.schema(model.manifest.targets)
    result = _object(version=_COUNT, predictions={"type": "array", "items": answer})
    errors = {status: _response(text, _object(error=_TEXT)) for status, text in _ERRORS.items()}
    content = {
        "application/json": {"schema": _samples(model)},
        "application/x-npy": {"schema": {"type": "string", "contentMediaType": "application/x-npy"}},
    }
    return {
        "summary": "predicts, once per sample",
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _response("one prediction per sample", result), **errors},
    }


def _samples(model: Predictor) -> dict[str, Any]:
    """Describes the JSON of a batch; a bare list of samples is taken, too."""
    inputs = _nested(model.session.inputs["inputs"])
    properties = {"inputs": inputs}
    if "lengths" in model.session.inputs:
        properties["lengths"] = {"type": "array", "items": {"type": "integer", "minimum": 1}}
    whole = {"type": "object", "properties": properties, "required": ["inputs"], "additionalProperties": False}
    return {"oneOf": [whole, inputs]}


def _nested(info: TensorInfo) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer" if "int" in info.dtype else "number"}
    if info.dtype == "uint8":
        schema |= {"minimum": 0, "maximum": 255}
    for side in reversed(info.shape):
        bounds = {"minItems": 1} if side is None else {"minItems": side, "maxItems": side}
        schema = {"type": "array", "items": schema, **bounds}
    return schema


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _get(summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": _response(summary, schema)}}}


def _response(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
