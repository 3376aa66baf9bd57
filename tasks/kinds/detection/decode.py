"""Answers of a detector: its boxes; imports nothing but numpy, and ships in the device's wheel.

The file gives logits of each cell; what turns them into boxes is here, so that it stays in float whatever the file's
layers are, and costs what few boxes cost: only the sides of cells with a score are looked at. The metrics take boxes
from here, too: what is measured is what a device says.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from math import inf, log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CLASSES, SIDES = "classes", "sides"
BINS = 16
CANDIDATES = 300
"""boxes with the highest scores that are compared with each other"""
Card = Mapping[str, Any]
"""of the manifest: `names` are the classes; `facts` are the height and width of a picture (`size`), the `strides` of
the cells, `least_score`, `overlap` and how many boxes there may be at `most`"""
Floats = NDArray[np.float32]


class FoundBoxes(NamedTuple):
    """The boxes of one picture, that with the highest score first.

    Attributes:
        boxes: (n, 4) x0, y0, x1, y1 in pixels of the prepared picture, inside of it.
        scores: (n,) 0..1.
        classes: (n,) numbers of classes.
    """

    boxes: Floats
    scores: Floats
    classes: NDArray[np.int64]


class DetectionDecoder:
    """The part of the kind."""

    details: tuple[str, ...] = ("picture",)
    """the picture with the boxes drawn on it, as a PNG file in base64; the runtime draws `marks`"""

    def decode(self, outputs: Mapping[str, NDArray[Any]], card: Card, detail: str = "") -> list[dict[str, Any]]:
        """Returns for each picture its boxes, that with the highest score first.

        Raises:
            ValueError: a logit is infinite or not a number.
        """
        least, names, size = card["facts"]["least_score"], card["names"], [*card["facts"]["size"]]
        answers = []
        for classes, sides in zip(outputs[CLASSES], outputs[SIDES], strict=True):
            found = found_in(classes, sides, card["facts"], least)
            answers.append({"boxes": _told(found.boxes, found.scores, found.classes, names), "size": size})
        return answers

    def problems(self, shapes: Mapping[str, tuple[int | None, ...]], card: Card) -> Iterator[str]:
        """Yields where an output is missing, or does not have a value for each class or bin and each cell."""
        cells = len(cells_of(card["facts"]).stride)
        for name, channels in ((CLASSES, len(card["names"])), (SIDES, 4 * BINS)):
            if name not in shapes:
                yield f"expected an output `{name}`, got {', '.join(shapes)}"
            elif shapes[name][1:] != (channels, cells):
                yield f"expected an output `{name}` of {(channels, cells)} per picture, got {shapes[name][1:]}"

    def difference(self, golden: Mapping[str, NDArray[Any]], got: Mapping[str, NDArray[Any]]) -> float:
        """Returns the largest difference of a logit; infinite where a shape differs."""
        if any(name not in got or got[name].shape != values.shape for name, values in golden.items()):
            return inf
        return max(float(np.max(np.abs(got[name] - values))) for name, values in golden.items())

    def schema(self, card: Card) -> dict[str, Any]:
        """Returns the JSON schema of one answer."""
        four = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
        properties = {
            "class": {"type": "string", "enum": [*card["names"]]},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "box": {**four, "description": "x0, y0, x1, y1 in pixels of a picture of `size`"},
        }
        box = {"type": "object", "properties": properties, "required": [*properties]}
        size = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
        boxes, drawn = {"type": "array", "items": box}, {"type": "string", "contentEncoding": "base64"}
        properties = {"boxes": boxes, "size": size, "picture": drawn}
        return {"type": "object", "properties": properties, "required": ["boxes", "size"]}

    def placed(self, answers: Sequence[Mapping[str, Any]], frames: Any) -> list[dict[str, Any]]:
        """Returns one answer per picture, in its pixels, of answers per sample; `frames.joined` does the arithmetic."""
        names = list(dict.fromkeys(box["class"] for answer in answers for box in answer["boxes"]))
        found = [_arrays(answer["boxes"], names) for answer in answers]
        return [
            {"boxes": _told(boxes, scores, numbers, names), "size": [*size]}
            for (boxes, scores, numbers), size in zip(frames.joined(found), frames.sizes, strict=True)
        ]

    def marks(self, answer: Mapping[str, Any]) -> list[tuple[list[float], str]]:
        """Returns what is drawn of an answer on its picture: boxes, and a few words at each."""
        return [(box["box"], f"{box['class']} {box['score']:.2f}") for box in answer["boxes"]]


def _told(
    boxes: NDArray[Any], scores: NDArray[Any], numbers: NDArray[Any], names: Sequence[str]
) -> list[dict[str, Any]]:
    return [
        {"class": names[number], "score": round(float(score), 4), "box": np.round(box, 2).tolist()}
        for box, score, number in zip(boxes.astype(float), scores, numbers, strict=True)
    ]


def _arrays(
    boxes: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    places = np.array([box["box"] for box in boxes], dtype=np.float64).reshape(-1, 4)
    scores = np.array([box["score"] for box in boxes], dtype=np.float64)
    return places, scores, np.array([names.index(box["class"]) for box in boxes], dtype=np.int64)


class Cells(NamedTuple):
    """Where the cells of all grids are: their middles (n, 2) as x, y, and how wide and high each (n,) is."""

    middle: Floats
    stride: Floats


def cells_of(facts: Mapping[str, Any]) -> Cells:
    """Returns the cells, grid by grid, each row by row, as the outputs have them."""
    height, width = facts["size"]
    return _cells(height, width, tuple(facts["strides"]))


@lru_cache(maxsize=8)
def _cells(height: int, width: int, strides: tuple[int, ...]) -> Cells:
    middles, sizes = [], []
    for stride in strides:
        rows, columns = np.mgrid[: -(-height // stride), : -(-width // stride)]
        middles.append(np.stack([columns.ravel(), rows.ravel()], axis=1) * stride + stride / 2)
        sizes.append(np.full(rows.size, stride))
    return Cells(np.concatenate(middles).astype(np.float32), np.concatenate(sizes).astype(np.float32))


def found_in(classes: NDArray[Any], sides: NDArray[Any], facts: Mapping[str, Any], least: float) -> FoundBoxes:
    """Returns the boxes with a score of at least `least` in the logits of one picture.

    Args:
        classes: (classes, cells).
        sides: (4 * BINS, cells).
        facts: of the card.
        least: the lowest score.

    Raises:
        ValueError: a logit is infinite or not a number.
    """
    if not (np.isfinite(classes.sum(dtype=np.float64)) and np.isfinite(sides.sum(dtype=np.float64))):
        raise ValueError("expected finite logits, got some that are infinite or no numbers")
    cells, (height, width) = cells_of(facts), facts["size"]
    number, place = np.nonzero(classes >= log(least / (1 - least)))
    logits = classes[number, place]
    order = np.argsort(-logits, kind="stable")[:CANDIDATES]
    number, place, logits = number[order], place[order], logits[order].astype(np.float32)
    distance = distances(sides[:, place]) * cells.stride[place]
    x, y = cells.middle[place].T
    boxes = np.stack([x - distance[0], y - distance[1], x + distance[2], y + distance[3]], axis=1)
    boxes = np.clip(boxes, 0, np.array([width, height, width, height], dtype=np.float32))
    stays = suppressed(boxes, number, facts["overlap"])[: facts["most"]]
    return FoundBoxes(boxes[stays], (1 / (1 + np.exp(-logits[stays]))).astype(np.float32), number[stays])


def distances(sides: NDArray[Any]) -> Floats:
    """Returns (4, n) the means of the distributions, in strides: to the left, upper, right and lower side."""
    logits = sides.reshape(4, BINS, -1).astype(np.float32)
    parts = np.exp(logits - logits.max(axis=1, keepdims=True))
    weighed = np.einsum("sbn,b->sn", parts, np.arange(BINS, dtype=np.float32))
    mean: Floats = weighed / parts.sum(axis=1)
    return mean


def suppressed(boxes: Floats, classes: NDArray[np.int64], overlap: float) -> NDArray[np.int64]:
    """Returns the rows that stay of boxes in the order of their scores: none is over a better one of its class.

    Of each pair of a class whose intersection over union is above `overlap`, the one with the lower score goes.
    """
    stays = np.ones(len(boxes), dtype=np.bool_)
    for number in np.unique(classes):
        rows = np.flatnonzero(classes == number)
        over = np.triu(overlaps(boxes[rows], boxes[rows]) > overlap, 1)
        alive = np.ones(len(rows), dtype=np.bool_)
        for row in np.flatnonzero(over.any(axis=1)):
            if alive[row]:
                alive &= ~over[row]
        stays[rows] = alive
    return np.flatnonzero(stays)


def overlaps(boxes: NDArray[Any], others: NDArray[Any], *, of_box: NDArray[np.bool_] | None = None) -> NDArray[Any]:
    """Returns the intersection over union (n, m) of all pairs.

    Where `of_box` (m,) is true, it is the part of the box of `boxes` that lies in the other one.
    """
    ours, theirs = boxes.T[:, :, None], others.T[:, None, :]
    width = np.minimum(ours[2], theirs[2]) - np.maximum(ours[0], theirs[0])
    height = np.minimum(ours[3], theirs[3]) - np.maximum(ours[1], theirs[1])
    inside = np.maximum(width, 0) * np.maximum(height, 0)
    areas, other_areas = ((some[2] - some[0]) * (some[3] - some[1]) for some in (ours, theirs))
    union = areas + other_areas - inside
    if of_box is not None:
        union = np.where(of_box, areas, union)
    result: NDArray[Any] = inside / np.maximum(union, 1e-9)
    return result


PART = DetectionDecoder()
