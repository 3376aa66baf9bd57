"""The tables and pictures of an evaluation of boxes."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.evaluate.illustrate import SamplesShown
from tasks.kinds.contract import Arrays
from tasks.kinds.detection.figures import PART, operating_point, some_pictures
from tasks.kinds.detection.metrics import Matched
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData, Trained
from tasks.training.predict import outputs_of


class Answers:
    """A network as a file that ships answers."""

    def __init__(self, data: PreparedData, teacher: Trained) -> None:
        self.network, self.split = teacher.network, open_split(data.directory, "test")

    def predict(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        some = self.split.gather(np.arange(len(inputs["inputs"])))
        return outputs_of(self.network, replace(some, inputs=inputs))


@pytest.fixture(scope="module")
def seen(blobs: PreparedData, teacher: Trained) -> Matched:
    """What that network makes of the test pictures."""
    found = blobs.measuring.seen_by(teacher.network, open_split(blobs.directory, "test")).evidence
    assert isinstance(found, Matched)
    return found


def test_pictures_are_shown_with_right_false_and_missed_boxes_the_best_first(
    blobs: PreparedData, teacher: Trained, seen: Matched
) -> None:
    shown = some_pictures(seen, SamplesShown(blobs, Answers(blobs, teacher)), blobs.targets)
    shares = [int(one.words.split()[0]) for one in shown]
    assert shares == sorted(shares, reverse=True)
    assert len(shown) == 4
    for one, share in zip(shown, shares, strict=True):
        right, every = one.what.count("right"), len(one.what) - one.what.count("ignored")
        assert share == round(100 * right / max(every, 1))
        assert len(one.boxes) == len(one.names) == len(one.what)


def test_the_drawings_are_of_boxes_and_of_precision_at_each_recall(
    blobs: PreparedData, teacher: Trained, seen: Matched
) -> None:
    samples = SamplesShown(blobs, Answers(blobs, teacher))
    drawn = [*PART.figures({"int8": seen, "teacher": seen}, "int8", blobs.targets, samples)]
    assert [one.name for one in drawn] == ["boxes", "recalls"]
    assert drawn[0].svg.count(b"data:image/png;base64") == 4
    assert b"triangle: " in drawn[1].svg


def test_each_class_and_size_has_a_row_the_lowest_class_first(blobs: PreparedData, seen: Matched) -> None:
    classes, sizes = PART.tables({"int8": seen, "teacher": seen}, "int8", blobs.targets)
    assert {row[0] for row in classes.rows} == {*blobs.targets.names}
    lowest_first = [float(row[1] or 0) for row in classes.rows]
    assert lowest_first == sorted(lowest_first)
    assert [row[1] for row in classes.rows] == [row[2] for row in classes.rows]
    assert sum(int(row[5] or 0) for row in classes.rows) == seen.truths[:, :, 0].sum()
    assert [row[0] for row in sizes.rows] == ["small, below 32 x 32 pixels"]
    point = operating_point(seen, 0)
    assert 0 < point.right <= point.truths


def test_mistakes_are_what_is_taken_for_what_and_what_is_not_found(blobs: PreparedData, seen: Matched) -> None:
    (table,) = PART.mistakes(seen, blobs.targets)
    counts = [int(row[2] or 0) for row in table.rows]
    assert counts == sorted(counts, reverse=True)
    assert any(row[1] == "nothing" for row in table.rows)
    assert all(row[0] != row[1] for row in table.rows)
    assert PART.pipeline_tag("image") == "object-detection"


def test_an_answer_in_words_counts_the_boxes_of_a_picture(blobs: PreparedData, seen: Matched) -> None:
    rows = np.arange(len(seen.loss), dtype=np.int64)
    told = [one.replace(",", "").split() for one in PART.answers_in_words(seen, rows, blobs.targets)]
    right, missed = (sum(int(one[place]) for one in told) for place in (0, 4))
    points = [operating_point(seen, place) for place in range(len(blobs.targets.names))]
    assert right == sum(point.right for point in points) > 0
    assert sum(int(one[2]) for one in told) == sum(point.false for point in points)
    assert right + missed == sum(point.truths for point in points)
