"""Answers of an embedding: its numbers; imports nothing but numpy, and ships in the device's wheel.

What two answers have in common, their cosine says: they have length 1, so it is the sum of their products.
"""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

EMBEDDING = "embedding"
SHOWN = 8
"""numbers of an answer that are given unless all are asked for"""
UNIT = 0.05
"""by so much the length of an embedding may differ from 1: an int8 file rounds its numbers"""
DIGITS = 6
Card = Mapping[str, Any]
"""of the manifest: `facts.width` is how many numbers an embedding has"""


class EmbeddingDecoder:
    """The part of the kind."""

    details = ("all",)
    """all numbers, in place of the first few"""

    def decode(self, outputs: Mapping[str, NDArray[Any]], card: Card, detail: str = "") -> list[dict[str, Any]]:
        """Returns for each sample how many numbers its embedding has, and the first of them, or all.

        Raises:
            ValueError: an embedding is not of length 1, so its cosine would be another number than the sum of products.
        """
        embeddings = np.asarray(outputs[EMBEDDING], dtype=np.float64)
        lengths = np.linalg.norm(embeddings, axis=1)
        wrong = np.flatnonzero(~(np.abs(lengths - 1) <= UNIT))  # so that NaN fails
        if len(wrong):
            raise ValueError(f"expected embeddings of length 1, got one of length {lengths[wrong[0]]:.4g}")
        shown = None if detail == "all" else SHOWN
        return [{EMBEDDING: [round(v, DIGITS) for v in row[:shown].tolist()], "width": len(row)} for row in embeddings]

    def problems(self, shapes: Mapping[str, tuple[int | None, ...]], card: Card) -> Iterator[str]:
        """Yields where the output is missing, or has another width."""
        width = card["facts"]["width"]
        if EMBEDDING not in shapes:
            yield f"expected an output `{EMBEDDING}`, got {', '.join(shapes)}"
        elif len(shapes[EMBEDDING]) != 2 or shapes[EMBEDDING][1] not in (None, width):
            yield f"expected an output `{EMBEDDING}` of {width} numbers, got {shapes[EMBEDDING][1:]}"

    def difference(self, golden: Mapping[str, NDArray[Any]], got: Mapping[str, NDArray[Any]]) -> float:
        """Returns the largest difference of a number; infinite where a shape differs."""
        if any(name not in got or got[name].shape != values.shape for name, values in golden.items()):
            return inf
        return max(float(np.max(np.abs(got[name] - values))) for name, values in golden.items())

    def schema(self, card: Card) -> dict[str, Any]:
        """Returns the JSON schema of one answer."""
        number = {"type": "number", "minimum": -1, "maximum": 1}
        numbers = {"type": "array", "items": number, "maxItems": card["facts"]["width"]}
        return {
            "type": "object",
            "properties": {EMBEDDING: numbers, "width": {"type": "integer"}},
            "required": [EMBEDDING, "width"],
        }


PART = EmbeddingDecoder()
