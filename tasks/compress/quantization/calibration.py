"""Training samples that show the quantiser the range of every activation."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader

from tasks.training.arrays import SplitArrays


class CalibrationSamples(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Feeds raw samples one by one: arrays of one shape, whatever the number of samples is divisible by."""

    def __init__(self, train: SplitArrays, rows: NDArray[np.int64], names: Sequence[str]) -> None:
        self.feeds = _feeds(train, rows, names)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """Returns the next sample as a batch of one, None after the last."""
        return next(self.feeds, None)


def _feeds(train: SplitArrays, rows: NDArray[np.int64], names: Sequence[str]) -> Iterator[dict[str, NDArray[Any]]]:
    for batch in train.batches(1, rows):
        yield {name: batch.inputs[name] for name in names}
