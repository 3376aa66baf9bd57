"""What the server speaks, as OpenAPI 3.1, made from the model that it answers with."""

from typing import Any

import numpy as np

from ..bundle.manifest import TensorInfo
from ..bundle.predictor import Predictor
from ..preprocess.preprocessor import Preprocessor

_TEXT, _NUMBER, _COUNT = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}
JSON, MULTIPART = "application/json", "multipart/form-data"
DETAIL = "detail"
"""the parameter that asks for more in each answer"""
RATE = "rate"
"""the parameter of a stream of sound: samples per second"""
_FILES = ("application/x-npy", "application/x-npz")
_ERRORS = {
    "400": "the samples are not what the model takes, or too many",
    "408": "the body does not come in time",
    "413": "the body is too long",
    "415": "a media type that is not taken",
    "500": "the model failed",
}


def media_types(preprocessor: Preprocessor) -> tuple[str, ...]:
    """Returns what `/predict` takes for the model with this preprocessor; the first part of `Content-Type`."""
    return (JSON, *_FILES, *preprocessor.media_types, MULTIPART)


def openapi(model: Predictor, max_bytes: int, max_samples: int) -> dict[str, Any]:
    """Returns the document for the release that is loaded; a request may have so many bytes and samples."""
    version = str(model.receipt.version)
    return {
        "openapi": "3.1.0",
        "info": {"title": model.manifest.name, "version": version, "description": f"bodies up to {max_bytes} bytes"},
        "paths": {
            "/health": _get("whether the current release answers", _object(status=_TEXT, version=_COUNT, problem={})),
            "/metadata": _get("the manifest", _object(version=_COUNT, release=_TEXT, manifest={"type": "object"})),
            "/openapi.json": _get("this document", {"type": "object"}),
            "/predict": {"post": _predict(model, max_samples)},
            **(_streams() if model.manifest.listen else {}),
        },
    }


def _predict(model: Predictor, max_samples: int) -> dict[str, Any]:
    answer = model.decoder.schema(model.manifest.targets)
    if model.manifest.defer:
        answer["properties"]["defer"] = {"type": "boolean", "description": "leave this sample to somebody else"}
        answer["required"] = [*answer["required"], "defer"]
    result = _object(version=_COUNT, predictions={"type": "array", "items": answer})
    errors = {status: _response(text, _object(error=_TEXT)) for status, text in _ERRORS.items()}
    files = {kind: {"schema": _file(kind)} for kind in (*_FILES, *model.preprocessor.media_types)}
    parts = {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
    form = _closed({"file": parts}, "file")
    content = {JSON: {"schema": _samples(model, max_samples)}, **files, MULTIPART: {"schema": form}}
    detail = {"name": DETAIL, "in": "query", "schema": {"type": "string", "enum": [*model.decoder.details]}}
    return {
        "summary": "predicts, once per sample",
        **({"parameters": [detail]} if model.decoder.details else {}),
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _response("one prediction per sample", result), **errors},
    }


def _streams() -> dict[str, Any]:
    rate = {"name": RATE, "in": "query", "schema": {"type": "integer", "minimum": 1}}
    name = {"name": "stream", "in": "path", "required": True, "schema": _TEXT}
    begun = _object(version=_COUNT, stream=_TEXT, rate=_COUNT)
    words = _object(
        version=_COUNT, words={"type": "array", "items": _object(seconds=_NUMBER, word=_TEXT, confidence=_NUMBER)}
    )
    gone = {"404": _response("the stream has ended: begin another", _object(error=_TEXT))}
    many = {"429": _response("too many streams at once", _object(error=_TEXT))}
    errors = {status: _response(text, _object(error=_TEXT)) for status, text in _ERRORS.items() if status != "415"}
    samples = {"application/octet-stream": {"schema": _file("application/octet-stream")}}
    return {
        "/listen": {
            "post": {
                "summary": "begins a stream of sound",
                "parameters": [rate],
                "responses": {"200": _response("the stream", begun), **errors, **many},
            }
        },
        "/listen/{stream}": {
            "parameters": [name],
            "post": {
                "summary": "hears the next piece: little-endian samples of 16 bits, one channel",
                "requestBody": {"required": True, "content": samples},
                "responses": {"200": _response("the words detected in it", words), **errors, **gone},
            },
            "delete": {
                "summary": "ends a stream",
                "responses": {"200": _response("the words that waited for more sound", words), **errors, **gone},
            },
        },
    }


def _samples(model: Predictor, max_samples: int) -> dict[str, Any]:
    """Describes the JSON of a batch: arrays, or records; a bare list of them is taken, too."""
    inputs = _nested(model.session.inputs["inputs"]) | {"maxItems": max_samples}
    properties = {"inputs": inputs}
    if "lengths" in model.session.inputs:
        properties["lengths"] = {"type": "array", "items": {"type": "integer", "minimum": 1}}
    forms = [_closed(properties, "inputs"), inputs]
    if record := model.preprocessor.schema():
        records = {"type": "array", "items": record, "minItems": 1, "maxItems": max_samples}
        forms += [_closed({"records": records}, "records"), records]
    return {"anyOf": forms}


def _file(media_type: str) -> dict[str, Any]:
    return {"type": "string", "contentMediaType": media_type}


def _nested(info: TensorInfo) -> dict[str, Any]:
    if "int" in info.dtype:
        whole = np.iinfo(info.dtype)
        schema: dict[str, Any] = {"type": "integer", "minimum": int(whole.min), "maximum": int(whole.max)}
    else:
        most = float(np.finfo(info.dtype).max)
        schema = {"type": "number", "minimum": -most, "maximum": most}
    for side in reversed(info.shape):
        bounds = {"minItems": 1} if side is None else {"minItems": side, "maxItems": side}
        schema = {"type": "array", "items": schema, **bounds}
    return schema


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _closed(properties: dict[str, Any], required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [required], "additionalProperties": False}


def _get(summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": _response(summary, schema)}}}


def _response(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
