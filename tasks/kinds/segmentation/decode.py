"""Answers of a segmentation: the area of each class; imports nothing but numpy, and ships in the device's wheel."""

import base64
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOGITS = "logits"
Card = Mapping[str, Any]
"""of the manifest: `names` are the classes, `facts.size` is the height and width of a mask"""


class SegmentationDecoder:
    """The part of the kind."""

    details = ("png", "runs")
    """forms of the whole mask: a PNG file in base64, or `[number of the class, pixels]` row by row"""

    def decode(self, outputs: Mapping[str, NDArray[Any]], card: Card, detail: str = "") -> list[dict[str, Any]]:
        """Returns for each picture the part of its pixels that each class has, largest first; and the mask, if asked.

        Raises:
            ValueError: a logit is infinite or not a number.
        """
        return [_answer(one, card["names"], detail) for one in outputs[LOGITS]]

    def problems(self, shapes: Mapping[str, tuple[int | None, ...]], card: Card) -> Iterator[str]:
        """Yields where the output is missing, or is not of one logit per class and pixel."""
        wanted = (len(card["names"]), *card["facts"]["size"])
        if LOGITS not in shapes:
            yield f"expected an output `{LOGITS}`, got {', '.join(shapes)}"
        elif shapes[LOGITS][1:] != wanted:
            yield f"expected an output `{LOGITS}` of {wanted} per picture, got {shapes[LOGITS][1:]}"

    def difference(self, golden: Mapping[str, NDArray[Any]], got: Mapping[str, NDArray[Any]]) -> float:
        """Returns the largest difference of a logit; infinite where a shape differs."""
        if any(name not in got or got[name].shape != values.shape for name, values in golden.items()):
            return inf
        return max(float(np.max(np.abs(got[name] - values))) for name, values in golden.items())

    def schema(self, card: Card) -> dict[str, Any]:
        """Returns the JSON schema of one answer."""
        area = {
            "type": "object",
            "properties": {"share": {"type": "number", "minimum": 0, "maximum": 1}, "pixels": {"type": "integer"}},
            "required": ["share", "pixels"],
        }
        areas = {"type": "object", "properties": dict.fromkeys(card["names"], area)}
        size = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
        mask = {"anyOf": [{"type": "string", "contentEncoding": "base64"}, {"type": "array"}]}
        return {
            "type": "object",
            "properties": {"areas": areas, "size": size, "mask": mask},
            "required": ["areas", "size"],
        }


def _answer(logits: NDArray[Any], names: Sequence[str], detail: str) -> dict[str, Any]:
    mask = _classes(logits)
    counts = np.bincount(mask.ravel(), minlength=len(names))
    order = [int(place) for place in np.argsort(-counts, kind="stable") if counts[place]]
    areas = {names[place]: {"share": float(counts[place] / mask.size), "pixels": int(counts[place])} for place in order}
    answer: dict[str, Any] = {"areas": areas, "size": [*mask.shape]}
    if detail == "png":
        answer["mask"] = base64.b64encode(_png(mask)).decode()
    elif detail == "runs":
        answer["mask"] = _runs(mask)
    return answer


def _classes(logits: NDArray[Any]) -> NDArray[np.uint8]:
    """Returns the number of the class with the largest logit (classes, height, width) of each pixel."""
    best, number = logits[0].copy(), np.zeros(logits.shape[1:], dtype=np.uint8)
    for place in range(1, len(logits)):  # several times as fast as `argmax` over the first axis
        larger = logits[place] > best
        np.copyto(best, logits[place], where=larger)
        number[larger] = place
    if not np.isfinite(best.sum(dtype=np.float64)) or not np.isfinite(logits.sum(dtype=np.float64)):
        raise ValueError("expected finite logits, got some that are infinite or no numbers")
    return number


def _runs(mask: NDArray[np.uint8]) -> list[list[int]]:
    flat = mask.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    lengths = np.diff(np.append(starts, flat.size))
    return [[int(flat[start]), int(length)] for start, length in zip(starts, lengths, strict=True)]


def _png(mask: NDArray[np.uint8]) -> bytes:
    """Returns a grey PNG whose pixels are the numbers of classes."""
    height, width = mask.shape
    lines = np.concatenate([np.zeros((height, 1), dtype=np.uint8), mask], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


PART = SegmentationDecoder()
