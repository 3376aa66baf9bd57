"""Pictures as one sample or as tiles: where these lie, and boxes that are told in pixels of the picture again."""

import io
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tasks.runtime.errors import ManifestError
from tasks.runtime.preprocess.frames.frame import Frame, numbered
from tasks.runtime.preprocess.frames.joined import Found, FramesOfPictures
from tasks.runtime.preprocess.frames.tiles import TileRule
from tasks.runtime.preprocess.picture_format import PAD, PictureFormat
from tasks.runtime.preprocess.preprocessor import preprocessor_from

TILED = PictureFormat((20, 20), 3, tile=TileRule((20, 20), 5), fit=PAD)


def picture(height: int, width: int) -> tuple[bytes, NDArray[np.uint8]]:
    """Returns a PNG and its pixels (3, height, width)."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue(), pixels.transpose(2, 0, 1)


def found(*boxes: tuple[float, float, float, float, float], number: int = 0) -> Found:
    """Returns boxes with a score behind each."""
    rows = np.array(boxes, dtype=np.float64).reshape(-1, 5)
    return rows[:, :4], rows[:, 4], np.full(len(rows), number)


@pytest.mark.parametrize("height", [1, 19, 20, 21, 50, 95])
def test_tiles_cover_a_picture_share_what_they_should_and_do_not_leave_it(height: int) -> None:
    corners = TileRule((20, 30), 5).corners(height, 30)
    tops = [top for top, left in corners if left == 0]
    assert len(tops) == len(corners)
    assert tops[0] == 0
    assert tops[-1] == max(0, height - 20)
    assert all(0 < after - before <= 15 for before, after in pairwise(tops))
    assert len(tops) == 1 + max(0, -(-(height - 20) // 15))


def test_tiles_are_cut_out_exactly_and_a_small_picture_lies_on_the_background() -> None:
    content, pixels = picture(33, 50)
    values, frames = TILED.samples(io.BytesIO(content))
    assert values.shape == (6, 3, 20, 20)
    for value, frame in zip(values, frames, strict=True):
        top, left = frame.corner
        assert np.array_equal(value, pixels[:, top : top + 20, left : left + 20])
    content, pixels = picture(12, 15)
    values, (frame,) = TILED.samples(io.BytesIO(content))
    assert np.array_equal(values[0, :, :12, :15], pixels)
    assert (values[0, :, 12:] == 255).all()
    assert (values[0, :, :, 15:] == 255).all()
    assert frame.edges.tolist() == [-np.inf, -np.inf, np.inf, np.inf]


@pytest.mark.parametrize(("height", "width"), [(48, 64), (64, 48), (7, 100), (20, 20)])
@pytest.mark.parametrize("fit", ["pad", "stretch"])
def test_boxes_go_into_a_sample_and_come_back(fit: str, height: int, width: int) -> None:
    format_ = PictureFormat((20, 30), fit=fit)
    (frame,) = format_.frames((height, width))
    boxes = np.array([[0, 0, width, height], [1, 2, width - 1, height - 2]], dtype=np.float64)
    inside = frame.inside(boxes)
    assert (inside[:, 2:] <= (30, 20)).all()
    assert np.allclose(frame.outside(inside), boxes)
    content, _ = picture(height, width)
    white = format_.values(io.BytesIO(content)) == 255
    right, bottom = inside[0, 2:].astype(int)
    assert white[:, :, right:].all()
    assert white[:, bottom:].all()
    if fit == "pad":
        assert right == 30 or bottom == 20


def test_a_padded_picture_has_one_scale_up_to_a_pixel_of_rounding() -> None:
    (frame,) = PictureFormat((240, 320), fit=PAD).frames((1000, 667))
    assert abs(frame.scale[0] / frame.scale[1] - 1) < 1 / 160


def test_a_device_makes_the_same_tiles_from_the_facts_of_a_manifest() -> None:
    content, _ = picture(33, 50)
    inputs = preprocessor_from(TILED.facts()).from_file(content)
    values, frames = TILED.samples(io.BytesIO(content))
    assert np.array_equal(inputs.arrays["inputs"], values)
    assert tuple(inputs.frames) == frames
    assert inputs.first == 6


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"fit": "crop"}, "`preprocessing.fit`: expected `stretch` or `pad`, got 'crop'"),
        ({"tile": {"size": [20], "overlap": 0}}, "a height and a width of at least 1"),
        ({"tile": {"size": [20, 20], "overlap": 11}}, "at most half of a tile"),
        ({"tile": {"size": [20, 20], "overlap": 1, "x": 1}}, "no such field"),
    ],
)
def test_facts_that_are_wrong_are_refused(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        preprocessor_from({**PictureFormat((20, 20)).facts(), **facts})


def test_facts_of_a_stretched_whole_picture_are_those_that_older_devices_know() -> None:
    assert PictureFormat((20, 20)).facts().keys() == {"kind", "size", "channels", "filter", "levels", "background"}


SIDE_BY_SIDE = [Frame((20, 35), (0, 0), (20, 20), (1, 1)), Frame((20, 35), (0, 15), (20, 20), (1, 1))]
"""two tiles that share 5 columns"""


def joined(*samples: Found) -> list[list[float]]:
    """Returns boxes and scores of the one picture."""
    ((boxes, scores, _),) = FramesOfPictures(SIDE_BY_SIDE).joined(samples)
    rows: list[list[float]] = np.column_stack([boxes, scores]).tolist()
    return rows


def test_a_thing_that_two_tiles_see_whole_is_told_once_with_the_higher_score() -> None:
    assert joined(found((16, 5, 19, 8, 0.6)), found((1, 5, 4, 8, 0.9))) == [[16, 5, 19, 8, 0.9]]


def test_a_piece_goes_where_another_tile_sees_the_thing_whole_whatever_the_scores() -> None:
    piece, whole = found((16, 5, 20, 15, 0.9)), found((1, 5, 12, 15, 0.4))
    assert joined(piece, whole) == [[16, 5, 27, 15, 0.4]]


def test_two_pieces_of_a_thing_larger_than_what_tiles_share_become_one_box() -> None:
    assert joined(found((4, 2, 20, 12, 0.7)), found((0, 3, 12, 12, 0.8))) == [[4, 2, 27, 12, 0.8]]


def test_a_thing_across_three_tiles_becomes_one_box_in_whatever_order_its_pieces_are_taken() -> None:
    rule = TileRule((20, 20), 5)
    frames = [Frame((20, 50), corner, (20, 20), (1, 1)) for corner in rule.corners(20, 50)]
    assert [frame.corner[1] for frame in frames] == [0, 15, 30]
    for scores in ((0.9, 0.5, 0.8), (0.5, 0.9, 0.8), (0.8, 0.9, 0.5)):
        pieces = [(4, 2, 20, 12), (0, 2, 20, 12), (0, 2, 11, 12)]
        samples = [found((*piece, score)) for piece, score in zip(pieces, scores, strict=True)]
        ((boxes, got, _),) = FramesOfPictures(frames).joined(samples)
        assert (boxes.tolist(), got.tolist()) == ([[4, 2, 41, 12]], [0.9])


def test_a_small_thing_on_a_large_one_is_no_piece_of_it() -> None:
    large, small = found((2, 0, 19, 19, 0.9)), found((0, 5, 4, 8, 0.5))
    assert len(joined(large, small)) == 2


def test_pieces_of_different_classes_and_boxes_of_one_tile_stay() -> None:
    both = found((1, 1, 9, 9, 0.9), (1, 1, 9, 8, 0.8))
    assert len(joined(both, found())) == 2
    assert len(joined(found((4, 2, 20, 12, 0.7)), found((0, 3, 12, 12, 0.8), number=1))) == 2


def test_pictures_are_answered_each_for_itself_in_their_pixels() -> None:
    format_ = PictureFormat((10, 10), fit="stretch")
    frames = FramesOfPictures(numbered([format_.frames((20, 40)), SIDE_BY_SIDE, format_.frames((10, 10))]))
    assert frames.sizes == [(20, 40), (20, 35), (10, 10)]
    box = found((1, 1, 3, 3, 0.5))
    first, second, third = frames.joined([box, box, found(), box])
    assert first[0].tolist() == [[4, 2, 12, 6]]
    assert second[0].tolist() == third[0].tolist() == [[1, 1, 3, 3]]


def test_a_box_in_the_padding_is_none() -> None:
    (frame,) = PictureFormat((20, 40), fit=PAD).frames((10, 10))
    ((boxes, _, _),) = FramesOfPictures([frame]).joined([found((22, 1, 30, 9, 0.9), (2, 2, 4, 24, 0.5))])
    assert boxes.tolist() == [[1, 1, 2, 10]]


def test_a_box_that_ends_with_the_picture_is_no_piece() -> None:
    # Both reach the upper edge, where nothing goes on: two things, of which the smaller is no piece of the larger.
    assert len(joined(found((14.8, 0, 18, 9, 0.9)), found((0.8, 0, 15, 3, 0.8)))) == 2
