"""A bundle as MLflow's `python_function`: `mlflow.pyfunc.load_model` and `mlflow models serve` answer through this.

It travels with the model in MLflow, as the loader module `stillhouse_edge.pyfunc`, and imports nothing of MLflow's.
What is loaded is the bundle beside it, with every file verified: there is no pickle, and no second way to answer.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .bundle.predictor import Predictor
from .bundle.session import INPUTS, Arrays
from .preprocess.preprocessor import ModelInputs

BUNDLE = "bundle"
"""the folder in the MLflow model"""
RAW = "raw_outputs"
"""the parameter of `predict` that asks for the model's outputs instead of answers"""


class BundleModel:
    """What MLflow calls."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Returns an answer per sample, as the runtime gives it; with `raw_outputs` the outputs of the model by name.

        Args:
            data: a DataFrame of raw samples where the model reads those, else an array or arrays by name.
            params: `raw_outputs`, which is false unless given.

        Raises:
            RuntimeBundleError: the samples are not what the model takes, or it cannot answer.
        """
        samples = self._samples(data)
        if (params or {}).get(RAW):
            return _rows(self.predictor.session.predict(samples.arrays))
        return self.predictor.answer(samples)

    def _samples(self, data: Any) -> ModelInputs:
        if hasattr(data, "to_dict"):
            records = [dict(zip(data.columns, map(_as_json, row), strict=True)) for row in data.itertuples(index=False)]
            return self.predictor.preprocessor.from_records(records)
        return ModelInputs(data if isinstance(data, Mapping) else {INPUTS: data})


def _load_pyfunc(path: str) -> BundleModel:
    """Returns the model in an MLflow model's folder; MLflow calls it by this name."""
    return BundleModel(Predictor.from_bundle(Path(path, BUNDLE)))


def _rows(outputs: Arrays) -> list[dict[str, Any]]:
    samples = zip(*(values.tolist() for values in outputs.values()), strict=True)
    return [dict(zip(outputs, row, strict=True)) for row in samples]


def _as_json(value: Any) -> Any:
    """Returns a cell of a DataFrame as JSON has it: files in base64, lists as lists, a gap as null."""
    if getattr(value, "shape", ()):  # an array, which MLflow makes of a list
        return value.tolist()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if value is None or value != value:
        return None
    return value.item() if hasattr(value, "item") else value
