"""Which versions of ONNX a model is written in, and whether the ONNX Runtime that is installed here knows them."""

from collections.abc import Iterator

import onnxruntime as ort

from ..errors import ModelError
from .manifest import OnnxVersion

LARGEST = 127
"""version that is tried: it is one byte"""
_IR_VERSION, _GRAPH, _OPSET_IMPORT = 1, 7, 8
"""numbers of fields in `ModelProto`"""
_DOMAIN, _VERSION = 1, 2
"""... in `OperatorSetIdProto`"""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""wire types of protocol buffers"""


def onnx_version(model: bytes) -> OnnxVersion:
    """Returns the versions in an ONNX file, without the library that reads all of it.

    Raises:
        ModelError: it is no ONNX file.
    """
    try:
        fields = [field for field in _fields(model) if field[0] in (_IR_VERSION, _OPSET_IMPORT)]
        opsets = [dict(_fields(value)) for number, value in fields if isinstance(value, bytes)]
        (opset,) = (one[_VERSION] for one in opsets if one.get(_DOMAIN, b"") in (b"", b"ai.onnx"))
        (ir,) = (value for number, value in fields if number == _IR_VERSION)
    except (IndexError, KeyError, ValueError) as error:
        raise ModelError(f"`model.onnx`: expected an ONNX file, got {error!r}; export it again") from None
    assert isinstance(opset, int)
    assert isinstance(ir, int)
    return OnnxVersion(opset, ir)


def is_known_here(version: OnnxVersion) -> bool:
    """Returns whether the installed ONNX Runtime loads a model of one node that is written in these versions."""
    shape = _field(1, bytes([1 << 3, 1]) + _field(2, b""))  # float, without sides
    node = _field(1, b"x") + _field(2, b"y") + _field(4, b"Identity")
    graph = _field(1, node) + _field(2, b"probe")
    graph += _field(11, _field(1, b"x") + _field(2, shape)) + _field(12, _field(1, b"y") + _field(2, shape))
    if max(version.opset, version.ir) > LARGEST:
        return False
    opset = _field(_OPSET_IMPORT, bytes([_VERSION << 3, version.opset]))
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        ort.InferenceSession(
            bytes([_IR_VERSION << 3, version.ir]) + _field(_GRAPH, graph) + opset,
            options,
            providers=["CPUExecutionProvider"],
        )
    except Exception:  # ONNX Runtime's exceptions share no base of their own
        return False
    return True


def _field(number: int, content: bytes) -> bytes:
    """Returns a field of bytes; both numbers fit into seven bits."""
    return bytes([(number << 3) | _BYTES, len(content)]) + content


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yields number and value of the fields of a message that are integers or bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind, value = key & 7, 0
        if kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
            continue
        value, at = _varint(message, at)
        if kind == _BYTES:
            yield key >> 3, message[at : at + value]
            at += value
        elif kind == _VARINT:
            yield key >> 3, value
        else:
            raise ValueError(f"wire type {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Returns an integer that begins at a place, and the place after it; the top bit says that more follows."""
    value, shift = 0, 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
