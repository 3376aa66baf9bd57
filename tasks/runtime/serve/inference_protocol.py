"""The Open Inference Protocol (KServe v2) over REST: tensors in, the model's outputs out.

https://github.com/kserve/open-inference-protocol, and Triton's extension for binary tensors, whose bytes follow the
JSON. A model has one version: that of the release which answers.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..bundle.fields import Fields, JsonSource, parse
from ..bundle.manifest import TensorInfo
from ..bundle.predictor import Predictor
from ..bundle.session import Arrays
from ..errors import WrongInputError
from ..preprocess.arrays import SampleLimits, array_of
from ..preprocess.preprocessor import ModelInputs
from .service import Service, answer

HEAD_LENGTH = "Inference-Header-Content-Length"
"""bytes of the JSON, where tensors follow it"""
SIZE, BINARY = "binary_data_size", "binary_data"
_REQUEST = JsonSource("request", "ask as the Open Inference Protocol says", WrongInputError)
_DATATYPES = {
    **{f"{sign}int{bits}": f"{sign}int{bits}".upper() for sign in ("u", "") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)},
}
_DTYPES = {datatype: np.dtype(name).newbyteorder("<") for name, datatype in _DATATYPES.items()}


def routes(service: Service) -> Iterator[Route]:
    """Yields the routes of the protocol."""
    protocol = _Protocol(service)
    yield Route("/v2", protocol.server)
    yield Route("/v2/health/live", protocol.live)
    yield Route("/v2/health/ready", protocol.ready)
    for model in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        yield Route(model, protocol.metadata)
        yield Route(f"{model}/ready", protocol.ready)
        yield Route(f"{model}/infer", protocol.infer, methods=["POST"])


class _Protocol:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def server(self, _request: Request) -> Response:
        """Says who speaks."""
        return answer({"name": "stillhouse-edge", "version": "2", "extensions": ["binary_tensor_data"]})

    async def live(self, _request: Request) -> Response:
        """Says that the server answers."""
        return answer({"live": True})

    async def ready(self, request: Request) -> Response:
        """Says that the server, or the model that is asked for, predicts."""
        _require_served(self._service.loaded(), request)
        return answer({"ready": True})

    async def metadata(self, request: Request) -> Response:
        """Describes the tensors of the model."""
        return answer(_metadata(_require_served(self._service.loaded(), request)))

    async def infer(self, request: Request) -> Response:
        """Returns outputs for inputs."""

        def outputs(model: Predictor, body: bytes) -> Response:
            _require_served(model, request)
            return _inferred(model, body, request.headers.get(HEAD_LENGTH, ""), self._service.read)

        async def work(body: bytes) -> Response:
            return await self._service.run(lambda model: outputs(model, body), len(body))

        return await self._service.with_body(request, work)


def _require_served(model: Predictor, request: Request) -> Predictor:
    served = {"name": model.manifest.name, "version": str(model.receipt.version)}
    for part, value in request.path_params.items():
        if value != served[part]:
            raise HTTPException(404, f"expected {part} {served[part]}, got {value}")
    return model


def _metadata(model: Predictor) -> dict[str, Any]:
    return {
        "name": model.manifest.name,
        "versions": [str(model.receipt.version)],
        "platform": "onnxruntime_onnx",
        "inputs": [_described(info) for info in model.session.inputs.values()],
        "outputs": [_described(info) for info in model.session.outputs.values()],
    }


def _described(info: TensorInfo) -> dict[str, Any]:
    shape = [-1 if side is None else side for side in info.shape]
    return {"name": info.name, "datatype": _DATATYPES.get(info.dtype, info.dtype), "shape": shape}


def _inferred(model: Predictor, body: bytes, head_length: str, limits: SampleLimits) -> Response:
    head = int(head_length) if head_length.isdecimal() else len(body)
    fields = Fields(parse(body[:head], _REQUEST), "", _REQUEST)
    inputs = _arrays(fields.objects("inputs"), body[head:])
    limits.check(ModelInputs(inputs))
    outputs = model.outputs(inputs)
    wanted, binary = _wanted(fields.content, list(outputs))
    tensors = [_tensor(name, outputs[name], name in binary) for name in wanted]
    content = {
        "model_name": model.manifest.name,
        "model_version": str(model.receipt.version),
        "outputs": tensors,
        **({"id": fields.text("id")} if "id" in fields.content else {}),
    }
    return _packed(content, b"".join(outputs[name].tobytes() for name in wanted if name in binary))


def _arrays(inputs: list[Fields], binary: bytes) -> Arrays:
    arrays, start = {}, 0
    for tensor in inputs:
        name, dtype = tensor.text("name"), _DTYPES.get(tensor.text("datatype"))
        if dtype is None:
            raise tensor.wrong("datatype", f"one of {', '.join(_DTYPES)}", tensor.text("datatype"))
        if "data" in tensor.content:
            flat = array_of(tensor.content["data"], dtype, name).ravel()
        else:
            end = start + tensor.object("parameters").integer(SIZE)
            flat, start = _from_bytes(binary[start:end], dtype, name), end
        arrays[name] = _shaped(flat, tensor)
    return arrays


def _from_bytes(content: bytes, dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    try:
        return np.frombuffer(content, dtype)
    except ValueError as error:
        raise WrongInputError(f"`{name}`: expected {dtype} values, got {len(content)} bytes: {error}") from None


def _shaped(flat: NDArray[Any], tensor: Fields) -> NDArray[Any]:
    shape = [side or 0 for side in tensor.shape("shape")]
    try:
        return flat.reshape(shape)
    except (ValueError, OverflowError):
        raise tensor.wrong("shape", f"sides for {flat.size} values", [*shape]) from None


def _wanted(request: dict[str, Any], names: list[str]) -> tuple[list[str], set[str]]:
    """Returns the names of the outputs that are asked for, and of those whose values come as bytes."""
    every = Fields(request.get("parameters", {}), "parameters", _REQUEST).content
    asked = Fields({"outputs": request.get("outputs", [])}, "", _REQUEST).objects("outputs")
    binary: set[str] = set(names) if every.get(f"{BINARY}_output") is True else set()
    for output in asked:
        if output.text("name") not in names:
            raise output.wrong("name", f"one of {', '.join(names)}", output.text("name"))
        if Fields(output.content.get("parameters", {}), "parameters", _REQUEST).content.get(BINARY) is True:
            binary.add(output.text("name"))
    return [output.text("name") for output in asked] or names, binary


def _tensor(name: str, values: NDArray[Any], binary: bool) -> dict[str, Any]:
    tensor = {"name": name, "datatype": _DATATYPES[values.dtype.name], "shape": [*values.shape]}
    return tensor | ({"parameters": {SIZE: values.nbytes}} if binary else {"data": values.ravel().tolist()})


def _packed(content: dict[str, Any], binary: bytes) -> Response:
    if not binary:
        return answer(content)
    head = json.dumps(content, allow_nan=False).encode()
    return Response(head + binary, headers={HEAD_LENGTH: str(len(head))}, media_type="application/octet-stream")
