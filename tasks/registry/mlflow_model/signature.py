"""What an MLflow model takes and gives, in MLflow's words, from what the bundle says of itself."""

import base64
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType

from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.bundle.session import INPUTS, Arrays
from tasks.runtime.pyfunc import RAW, BundleModel

TYPES = {"string": DataType.string, "number": DataType.double, "integer": DataType.long, "boolean": DataType.boolean}
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAHLCMmQAAAABJRU5ErkJggg==")
"""a PNG of one white pixel, which every model of pictures reads"""
Example = pd.DataFrame | np.ndarray[Any, Any] | dict[str, np.ndarray[Any, Any]]


def example_of(predictor: Predictor, golden: Arrays) -> Example:
    """Returns one sample as MLflow hands it over: a raw record where the model reads those, else arrays.

    Args:
        predictor: of the bundle.
        golden: the inputs of its golden samples.
    """
    schema = predictor.preprocessor.schema()
    if schema is not None:
        return pd.DataFrame([{name: _value(found) for name, found in schema["properties"].items()}])
    one = {name: np.asarray(values[:1]) for name, values in golden.items()}
    return one if len(one) > 1 else one[INPUTS]


def signature_of(predictor: Predictor, example: Example) -> ModelSignature:
    """Returns the signature of a bundle: columns of raw samples or tensors in, answers out."""
    answers = BundleModel(predictor).predict(example)
    with warnings.catch_warnings():  # an integer of an answer is never missing
        warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer")
        answered = infer_signature(model_output=answers)
    return ModelSignature(_inputs(predictor), answered.outputs, ParamSchema([ParamSpec(RAW, DataType.boolean, False)]))


def _inputs(predictor: Predictor) -> Schema:
    schema = predictor.preprocessor.schema()
    if schema is not None:
        required = schema.get("required", ())
        return Schema([_column(name, found, name in required) for name, found in schema["properties"].items()])
    tensors = predictor.manifest.inputs
    names = [tensor.name if len(tensors) > 1 else None for tensor in tensors]
    shapes = [tuple(-1 if side is None else side for side in tensor.shape) for tensor in tensors]
    return Schema(
        [TensorSpec(np.dtype(t.dtype), shape, name) for t, shape, name in zip(tensors, shapes, names, strict=True)]
    )


def _column(name: str, found: Mapping[str, Any], required: bool) -> ColSpec:
    """Returns a column; a list, or one of several types, is of any type for MLflow: the preprocessor checks it."""
    if found.get("contentEncoding") == "base64":
        return ColSpec(DataType.binary, name, required)
    kind = found.get("type")
    if isinstance(kind, str) and kind in TYPES:
        return ColSpec(TYPES[kind], name, required)
    return ColSpec(AnyType(), name, required=False)  # type: ignore[no-untyped-call]


def _value(found: Mapping[str, Any]) -> Any:
    """Returns a value that a field of a record may have."""
    if found.get("contentEncoding") == "base64":
        return base64.b64decode(found["examples"][0]) if found.get("examples") else PIXEL
    if found.get("examples"):
        return found["examples"][0]
    kinds = found.get("type", "string")
    return {"number": 0.0, "integer": 0, "boolean": False}.get(kinds if isinstance(kinds, str) else kinds[0], "")
