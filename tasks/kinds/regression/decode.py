"""Answers of a regression: a number and an interval; imports nothing but numpy, and ships in the device's wheel."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOGITS = "logits"
DIGITS = 7
"""that are told of a number: as many as float32 has"""
Floats = NDArray[np.float64]
Card = Mapping[str, Any]
"""of the manifest: `facts` says `low`, `high`, `bins` and `interval`"""


class RegressionDecoder:
    """The part of the kind."""

    details = ("distribution",)
    """each value that the distribution is over, with its probability"""

    def decode(self, outputs: Mapping[str, NDArray[Any]], card: Card, detail: str = "") -> list[dict[str, Any]]:
        """Returns for each sample the mean of its distribution, and between which numbers a part of it lies.

        Raises:
            ValueError: a logit is infinite or not a number.
        """
        logits = np.asarray(outputs[LOGITS], dtype=np.float64)
        if not np.isfinite(logits).all():
            raise ValueError("expected finite logits, got some that are infinite or no numbers")
        parts = np.exp(logits - logits.max(axis=1, keepdims=True))
        parts /= parts.sum(axis=1, keepdims=True)
        values = np.linspace(card["facts"]["low"], card["facts"]["high"], logits.shape[1])
        return [_answer(row, values, card["facts"]["interval"], detail) for row in parts]

    def problems(self, shapes: Mapping[str, tuple[int | None, ...]], card: Card) -> Iterator[str]:
        """Yields where the output is missing, or has another number of bins."""
        bins = card["facts"]["bins"]
        if LOGITS not in shapes:
            yield f"expected an output `{LOGITS}`, got {', '.join(shapes)}"
        elif len(shapes[LOGITS]) != 2 or shapes[LOGITS][1] not in (None, bins):
            yield f"expected an output `{LOGITS}` of {bins} numbers, got {shapes[LOGITS][1:]}"

    def difference(self, golden: Mapping[str, NDArray[Any]], got: Mapping[str, NDArray[Any]]) -> float:
        """Returns the largest difference of a logit; infinite where a shape differs."""
        if any(name not in got or got[name].shape != values.shape for name, values in golden.items()):
            return inf
        return max(float(np.max(np.abs(got[name] - values))) for name, values in golden.items())

    def schema(self, card: Card) -> dict[str, Any]:
        """Returns the JSON schema of one answer."""
        number = {"type": "number", "minimum": card["facts"]["low"], "maximum": card["facts"]["high"]}
        pair = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        return {
            "type": "object",
            "properties": {
                **dict.fromkeys(("value", "low", "high"), number),
                "distribution": {"type": "array", "items": pair},
            },
            "required": ["value", "low", "high"],
        }


def interval_ends(parts: Floats, values: Floats, inside: float) -> Floats:
    """Returns the two numbers with a part of a distribution (bins,) between them, and as much below as above."""
    below = np.concatenate([[0.0], np.cumsum(parts)])
    ends: Floats = np.interp(((1 - inside) / 2, (1 + inside) / 2), below, edges_of(values))
    return ends


def edges_of(values: Floats) -> Floats:
    """Returns where each bin begins, and where the last ends (bins + 1,): in the middle between two values."""
    return np.concatenate([values[:1], (values[1:] + values[:-1]) / 2, values[-1:]])


def _answer(parts: Floats, values: Floats, inside: float, detail: str) -> dict[str, Any]:
    low, high = interval_ends(parts, values, inside)
    told = {"value": float(parts @ values), "low": float(low), "high": float(high)}
    answer: dict[str, Any] = {name: _short(min(max(one, values[0]), values[-1])) for name, one in told.items()}
    if detail == "distribution":
        answer[detail] = [[_short(value), _short(part)] for value, part in zip(values, parts, strict=True)]
    return answer


def _short(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


PART = RegressionDecoder()
