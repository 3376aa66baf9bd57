"""What the server speaks, as OpenAPI 3.1, made from the model that it answers with."""

from typing import Any

import numpy as np

from ..bundle.manifest import TensorInfo
from ..bundle.predictor import Predictor
from ..gallery.names import PATTERN
from ..gallery.recogniser import MOST_VECTORS
from ..preprocess.preprocessor import Preprocessor

_TEXT, _NUMBER, _COUNT = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}
JSON, MULTIPART = "application/json", "multipart/form-data"
DETAIL = "detail"
"""the parameter that asks for more in each answer"""
RATE = "rate"
"""the parameter of a stream of sound: samples per second"""
_NUMBER_OR_NULL: dict[str, Any] = {"type": ["number", "null"]}
_NAME_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}
_SCORE: dict[str, Any] = {"type": "number", "minimum": -1, "maximum": 1}
_SCORED: dict[str, Any] = {"nearest": _NAME_OR_NULL, "score": _NUMBER_OR_NULL, "threshold": _NUMBER_OR_NULL}
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


def openapi(model: Predictor, max_bytes: int, max_samples: int, enrols: bool = False) -> dict[str, Any]:
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
            **(_recognising(model, max_samples) if model.manifest.verify else {}),
            **(_gallery(model, max_samples) if model.manifest.verify and enrols else {}),
        },
    }


def _predict(model: Predictor, max_samples: int) -> dict[str, Any]:
    answer = model.decoder.schema(model.manifest.targets)
    if model.manifest.defer:
        answer["properties"]["defer"] = {"type": "boolean", "description": "leave this sample to somebody else"}
        answer["required"] = [*answer["required"], "defer"]
    result = _object(version=_COUNT, predictions={"type": "array", "items": answer})
    detail = {"name": DETAIL, "in": "query", "schema": {"type": "string", "enum": [*model.decoder.details]}}
    return {
        "summary": "predicts, once per sample",
        **({"parameters": [detail]} if model.decoder.details else {}),
        "requestBody": _body(model, 1, max_samples),
        "responses": {"200": _response("one prediction per sample", result), **_errors()},
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


def _recognising(model: Predictor, max_samples: int) -> dict[str, Any]:
    match = _object(name=_NAME_OR_NULL, **_SCORED)
    matches = _object(version=_COUNT, matches={"type": "array", "items": match})
    same = _object(version=_COUNT, same={"type": "boolean"}, score=_SCORE, threshold=_NUMBER_OR_NULL)
    of_name = _object(name=_TEXT, same={"type": "boolean"}, score=_SCORE, threshold=_NUMBER_OR_NULL)
    named = _object(version=_COUNT, matches={"type": "array", "items": of_name})
    again = {"409": _response("enrolled with another model: enrol again", _object(error=_TEXT))}
    return {
        "/identify": {
            "post": {
                "summary": "says for each sample who it is, or null",
                "requestBody": _body(model, 1, max_samples),
                "responses": {"200": _response("one match per sample", matches), **_errors(), **again},
            }
        },
        "/verify": {
            "post": {
                "summary": "says whether two samples are of one identity",
                "requestBody": _body(model, 2, 2),
                "responses": {"200": _response("whether they are", same), **_errors()},
            }
        },
        "/verify/{name}": {
            "parameters": [_NAME],
            "post": {
                "summary": "says whether samples are of one who is enrolled",
                "requestBody": _body(model, 1, max_samples),
                "responses": {"200": _response("one match per sample", named), **_errors(), **again, **_NOBODY},
            },
        },
    }


def _gallery(model: Predictor, max_samples: int) -> dict[str, Any]:
    agreement = {"agreement": _NUMBER_OR_NULL}
    enrolled = _object(version=_COUNT, name=_TEXT, vectors=_COUNT, before=_COUNT, **agreement, **_SCORED)
    listed = _object(name=_TEXT, vectors=_COUNT, enrolled=_TEXT)
    names = {"names": {"type": "array", "items": listed}, "enrol_again": {"type": "array", "items": _TEXT}}
    forgotten = _object(version=_COUNT, name=_TEXT, forgotten=_COUNT)
    refused = {"400": _response("no name that could be enrolled", _object(error=_TEXT))}
    return {
        "/gallery": _get("who is enrolled, and who is to be enrolled again", _object(version=_COUNT, **names)),
        "/gallery/{name}": {
            "parameters": [_NAME],
            "put": {
                "summary": "lets the name be that of samples, in place of those that it has",
                "requestBody": _body(model, 1, min(max_samples, MOST_VECTORS)),
                "responses": {"200": _response("what they are like", enrolled), **_errors()},
            },
            "delete": {
                "summary": "forgets the name",
                "responses": {"200": _response("how many vectors that were", forgotten), **refused, **_NOBODY},
            },
        },
    }


def _body(model: Predictor, least: int, most: int) -> dict[str, Any]:
    """Describes a body with samples: JSON, a file of them, or several files."""
    kinds = (*_FILES, *model.preprocessor.media_types) if least == 1 else ()
    files = {kind: {"schema": _file(kind)} for kind in kinds}
    parts = {"type": "array", "minItems": least, "items": {"type": "string", "format": "binary"}}
    form = _closed({"file": parts | ({} if least == 1 else {"maxItems": most})}, "file")
    content = {JSON: {"schema": _samples(model, least, most)}, **files, MULTIPART: {"schema": form}}
    return {"required": True, "content": content}


def _errors() -> dict[str, Any]:
    return {status: _response(text, _object(error=_TEXT)) for status, text in _ERRORS.items()}


def _samples(model: Predictor, least: int, most: int) -> dict[str, Any]:
    """Describes the JSON of a batch: arrays, or records; a bare list of them is taken, too."""
    inputs = _nested(model.session.inputs["inputs"]) | {"minItems": least, "maxItems": most}
    properties = {"inputs": inputs}
    if "lengths" in model.session.inputs:
        properties["lengths"] = {"type": "array", "items": {"type": "integer", "minimum": 1}}
    forms = [_closed(properties, "inputs"), inputs]
    if record := model.preprocessor.schema():
        records = {"type": "array", "items": record, "minItems": least, "maxItems": most}
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


_NAME = {"name": "name", "in": "path", "required": True, "schema": _TEXT | {"pattern": PATTERN}}
_NOBODY = {"404": _response("nobody is called so", _object(error=_TEXT))}
