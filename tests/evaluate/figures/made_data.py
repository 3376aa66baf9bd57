"""Data with something for every picture, and the text that is found in an SVG."""

from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.scores import FlippedSample
from tasks.drawing.svg import Drawing
from tasks.evaluate.figures.curves import draw_curves
from tasks.evaluate.figures.flipped import FlippedPicture, FlippedSide, draw_flipped
from tasks.evaluate.figures.front import draw_front
from tasks.evaluate.figures.slices import draw_slices
from tasks.kinds.classification.pictures.confusion import draw_confusion
from tasks.kinds.classification.pictures.reliability import Reliability, draw_reliability
from tasks.kinds.classification.pictures.worst import Mistake, WorstClass, draw_worst
from tasks.kinds.limits import deciding
from tests.evaluate.report.made import CLASSES, SHIPS, scores

ACCURACY = deciding("classification")

SVG = "{http://www.w3.org/2000/svg}"


def curve(best: int, epochs: int) -> NDArray[np.float64]:
    """Rises to its best epoch (from 1) and falls a little after it."""
    values: NDArray[np.float64] = 0.9 - 0.01 * np.abs(np.arange(1, epochs + 1) - best)
    return values


def worst_class(inputs: NDArray[Any], label: str = "willow", count: int = 2) -> WorstClass:
    mistakes = (Mistake(inputs, f"s{n}", f"pine{n}", 0.98 - 0.1 * n) for n in range(count))
    return WorstClass(label, 100, 70, tuple(mistakes))


def reliability(seed: int = 0) -> Reliability:
    draws = np.random.default_rng(seed)
    confidence = draws.uniform(0.2, 1, 300)
    return Reliability.of(confidence, draws.random(300) < confidence - 0.1)


COUNTS = np.array([[91, 7, 2], [0, 83, 18], [3, 0, 99]])
CURVES = {"teacher": curve(17, 24), "baseline": curve(31, 40), "student": curve(29, 40)}
WORST = (worst_class(np.arange(64, dtype=np.uint8).reshape(1, 8, 8)),)
FLIPPED = [
    FlippedSide(
        f"Newly {side}: 7 of 100",
        [
            FlippedPicture(
                WORST[0].mistakes[0].inputs, FlippedSample(name=f"s{n}", before=f"oak {n} %", now="pine 9 %")
            )
            for n in range(7)
        ],
    )
    for side in ("wrong", "right")
]


def all_drawings() -> tuple[Drawing, ...]:
    """Every picture that there is."""
    slices = scores()[4].slices
    models = {"teacher": reliability(1), SHIPS: reliability()}
    drawn = (
        draw_front(ACCURACY, scores(), SHIPS),
        draw_confusion(COUNTS, CLASSES),
        draw_worst(WORST),
        draw_reliability(models, SHIPS),
        draw_slices(ACCURACY, slices, 0.9),
        draw_curves(ACCURACY, CURVES),
        draw_flipped("flipped", 2, FLIPPED),
    )
    return tuple(drawing for drawing in drawn if drawing is not None)


def places(svg: bytes) -> dict[str, tuple[float, float]]:
    """Each text that is there once, and where it stands: points from the left and from the top."""
    found = [(e.text or "", e.attrib) for e in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    names = [name for name, _ in found]
    return {name: (float(a["x"]), float(a["y"])) for name, a in found if names.count(name) == 1}


def texts(svg: bytes) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]
