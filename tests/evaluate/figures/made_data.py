"""Data with something for every picture, and the text that is found in an SVG."""

from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.records import InputSpec
from tasks.contracts.scores import ClassScore
from tasks.evaluate.figures.draw import FigureData
from tasks.evaluate.figures.worst import Mistake, WorstClass
from tests.evaluate.report.made import CLASSES, SHIPS, SPEC, scores

SVG = "{http://www.w3.org/2000/svg}"


def curve(best: int, epochs: int) -> NDArray[np.float64]:
    """Rises to its best epoch (from 1) and falls a little after it."""
    values: NDArray[np.float64] = 0.9 - 0.01 * np.abs(np.arange(1, epochs + 1) - best)
    return values


def worst_class(inputs: NDArray[Any], label: str = "willow", count: int = 2) -> WorstClass:
    score = ClassScore(label=label, recall=0.7, precision=0.8, f1=0.75, samples=100)
    mistakes = (Mistake(inputs, f"s{n}", f"pine{n}", 0.98 - 0.1 * n) for n in range(count))
    return WorstClass(score, tuple(mistakes))


COUNTS = np.array([[91, 7, 2], [0, 83, 18], [3, 0, 99]])
CURVES = {"teacher": curve(17, 24), "baseline": curve(31, 40), "student": curve(29, 40)}
WORST = (worst_class(np.arange(64, dtype=np.uint8).reshape(1, 8, 8)),)


def figure_data(**changes: Any) -> FigureData:
    whole: dict[str, Any] = {
        "scores": scores(),
        "chosen": SHIPS,
        "teacher": "teacher",
        "metric": "accuracy",
        "curves": CURVES,
        "classes": CLASSES,
        "confusion": COUNTS,
        "worst": WORST,
        "spec": SPEC,
    }
    return FigureData(**(whole | changes))


def spec(layout: str, shape: tuple[int, ...]) -> InputSpec:
    return InputSpec.model_validate({"layout": layout, "dtype": "float32", "shape": shape})


def places(svg: bytes) -> dict[str, tuple[float, float]]:
    """Each text that is there once, and where it stands: points from the left and from the top."""
    found = [(e.text or "", e.attrib) for e in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    names = [name for name, _ in found]
    return {name: (float(a["x"]), float(a["y"])) for name, a in found if names.count(name) == 1}


def texts(svg: bytes) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]
