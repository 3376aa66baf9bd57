"""What schemathesis sends where a file with samples is asked for; imported by it, by this name."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import schemathesis
from hypothesis import strategies
from hypothesis.extra.numpy import arrays
from schemathesis.transport.serialization import Binary

Array = np.ndarray[Any, Any]


def packed(save: Callable[[io.BytesIO, Array], None]) -> Callable[[Array], bytes]:
    def content(array: Array) -> bytes:
        stream = io.BytesIO()
        save(stream, array)
        return stream.getvalue()

    return content


pictures = strategies.integers(1, 5).flatmap(lambda number: arrays(np.uint8, (number, 1, 2, 2)))
npy = pictures.map(packed(np.save))
schemathesis.openapi.media_type("application/x-npy", npy)
schemathesis.openapi.media_type("application/x-npz", pictures.map(packed(lambda to, array: np.savez(to, inputs=array))))
schemathesis.openapi.format("binary", npy.map(Binary))
