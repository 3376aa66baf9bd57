"""Answers of an amount; numpy only."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

Card = Mapping[str, Any]


class AmountDecoder:
    """The part of the kind."""

    details = ()

    def decode(
        self,
        outputs: Mapping[str, NDArray[Any]],
        card: Card,
        detail: str = "",
    ) -> list[dict[str, Any]]:
        """Returns the value of each sample.

        Raises:
            ValueError: it is infinite or not a number.
        """
        values = outputs["value"][:, 0].tolist()
        if not np.isfinite(values).all():
            raise ValueError(f"expected finite values, got {values[:8]}")
        return [{"value": value} for value in values]

    def problems(self, shapes: Mapping[str, tuple[int | None, ...]], card: Card) -> Iterator[str]:
        """Yields where the output is missing."""
        if "value" not in shapes:
            yield f"expected an output `value`, got {', '.join(shapes)}"

    def difference(self, golden: Mapping[str, NDArray[Any]], got: Mapping[str, NDArray[Any]]) -> float:
        """Returns the largest difference."""
        return float(np.max(np.abs(got["value"] - golden["value"]))) if "value" in got else inf

    def schema(self, card: Card) -> dict[str, Any]:
        """Returns the schema of one answer."""
        return {"type": "object", "properties": {"value": {"type": "number"}}, "required": ["value"]}


PART = AmountDecoder()
