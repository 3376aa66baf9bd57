"""The tables and pictures of an evaluation of masks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from params.models import Separable
from tasks.contracts.targets import TargetCard
from tasks.evaluate.illustrate import SamplesShown
from tasks.kinds.contract import Arrays
from tasks.kinds.segmentation.figures import PART, some_scenes
from tasks.kinds.segmentation.metrics import Pixels
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData
from tasks.training.predict import outputs_of


class Answers:
    """A network as a file that ships answers."""

    def __init__(self, data: PreparedData) -> None:
        torch.manual_seed(0)
        self.network = data.network(Separable(kind="separable", widths=(8, 12, 16), blocks=(1, 1))).eval()
        self.split = open_split(data.directory, "test")

    def predict(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        some = self.split.gather(np.arange(len(inputs["inputs"])))
        return outputs_of(self.network, replace(some, inputs=inputs))


@pytest.fixture
def seen(shapes: PreparedData) -> Pixels:
    """What that network makes of the test pictures."""
    split, measuring = open_split(shapes.directory, "test"), shapes.measuring
    found = measuring.seen_by(Answers(shapes).network, split).evidence
    assert isinstance(found, Pixels)
    return found


def test_best_middle_and_worst_pictures_are_shown_with_mask_and_prediction(shapes: PreparedData, seen: Pixels) -> None:
    scenes = some_scenes(seen, SamplesShown(shapes, Answers(shapes)))
    assert [scene.words.split(":")[0] for scene in scenes] == ["best", "middle", "worst"]
    shares = [float(scene.words.split()[-2]) for scene in scenes]
    assert shares == sorted(shares, reverse=True)
    for scene in scenes:
        assert scene.picture.shape == (3, 32, 32)
        assert scene.mask.shape == scene.predicted.shape == (32, 32)


def test_the_drawings_are_of_scenes_and_of_pixels(shapes: PreparedData, seen: Pixels) -> None:
    evidence = {"int8": seen, "teacher": seen}
    drawn = [*PART.figures(evidence, "int8", shapes.targets, SamplesShown(shapes, Answers(shapes)))]
    assert [one.name for one in drawn] == ["scenes", "pixels"]
    assert drawn[0].svg.count(b"data:image/png;base64") == 9


def test_each_class_has_a_row_the_lowest_iou_first(shapes: PreparedData, seen: Pixels) -> None:
    (table,) = PART.tables({"int8": seen, "teacher": seen}, "int8", shapes.targets)
    found = [row[1] for row in table.rows]
    assert len(found) == 4
    assert found == sorted(found)  # type: ignore[type-var]


def test_a_picture_without_a_pixel_of_any_class_is_no_scene(shapes: PreparedData, seen: Pixels) -> None:
    void = seen.cells.copy()
    void[2] = 0
    scenes = some_scenes(replace(seen, cells=void), SamplesShown(shapes, Answers(shapes)))
    assert " 0.0 %" not in scenes[-1].words
    names = {name for _, name in SamplesShown(shapes, Answers(shapes)).at(np.array([2]))}
    assert not any(name in scene.words for scene in scenes for name in names)
    assert some_scenes(replace(seen, cells=np.zeros_like(void)), SamplesShown(shapes, Answers(shapes))) == []


def test_a_class_that_no_test_picture_shows_has_no_iou_and_is_not_the_worst() -> None:
    names = ("ground", "thing", "rare")
    cells = np.array([[[8, 2, 0], [1, 5, 0], [0, 0, 0]]], dtype=np.int64)
    pixels = Pixels(cells, np.zeros(1), np.zeros((1, 1)), names)
    (table,) = PART.tables({"int8": pixels, "teacher": pixels}, "int8", TargetCard(names=names))
    assert [row[0] for row in table.rows] == ["thing", "ground", "rare"]
    assert table.rows[-1] == ("rare", None, None, None, 0.0, 0)


def test_what_pixels_are_taken_for_is_told_on_a_terminal(shapes: PreparedData, seen: Pixels) -> None:
    (table,) = PART.mistakes(seen, shapes.targets)
    counts = [row[2] for row in table.rows]
    assert counts == sorted(counts, reverse=True)  # type: ignore[type-var]


def test_an_answer_in_words_says_how_many_pixels_are_right() -> None:
    cells = np.array([[[8, 2], [0, 0]], [[1, 1], [1, 1]], [[0, 0], [0, 0]]], dtype=np.int64)
    pixels = Pixels(cells, np.zeros(3), np.zeros((3, 1)), ("ground", "thing"))
    told = PART.answers_in_words(pixels, np.array([1, 0, 2]), TargetCard(names=("ground", "thing")))
    assert told == ("50 % of pixels right", "80 % of pixels right", "of no class")
