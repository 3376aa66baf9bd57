import base64
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tasks.contracts.scores import SliceScore
from tasks.drawing.sheet import fitted, width_of
from tasks.drawing.svg import Drawing
from tasks.evaluate.figures.curves import draw_curves
from tasks.evaluate.figures.slices import MOST, draw_slices
from tasks.kinds.classification.pictures.confusion import draw_confusion
from tasks.kinds.classification.pictures.reliability import draw_reliability
from tasks.kinds.classification.pictures.worst import draw_worst
from tests.evaluate.figures.made_data import (
    ACCURACY,
    COUNTS,
    CURVES,
    SVG,
    WORST,
    curve,
    places,
    reliability,
    texts,
    worst_class,
)
from tests.evaluate.report.made import CLASSES, SHIPS, interval


def drawn(drawing: Drawing | None) -> list[str]:
    assert drawing is not None
    return texts(drawing.svg)


def many(classes: int) -> tuple[NDArray[np.int64], list[str]]:
    counts = np.full((classes, classes), 0, dtype=np.int64)
    np.fill_diagonal(counts, 40)
    counts[3, 7], counts[9, 1] = 22, 12
    return counts, [f"kind {n}" for n in range(classes)]


def pictures(drawing: Drawing | None) -> list[NDArray[np.uint8]]:
    """The raster images in an SVG, (height, width, channels)."""
    assert drawing is not None
    addresses = [e.attrib["href"] for e in ElementTree.fromstring(drawing.svg).iter(f"{SVG}image")]
    bodies = [base64.b64decode(address.removeprefix("data:image/png;base64,")) for address in addresses]
    return [np.asarray(Image.open(io.BytesIO(body)).convert("RGB")) for body in bodies]


def test_the_matrix_of_few_classes_has_every_count_but_zero() -> None:
    numbers = sorted(int(text) for text in drawn(draw_confusion(COUNTS, CLASSES)) if text.isdigit())
    assert numbers == [2, 3, 7, 18, 83, 91, 99]


def test_rows_of_the_matrix_are_labels_and_columns_predictions() -> None:
    drawing = draw_confusion(np.array([[91, 7], [3, 83]]), ("no", "yes"))
    assert drawing is not None
    at = places(drawing.svg)
    assert at["91"][1] == at["7"][1] < at["3"][1] == at["83"][1]
    assert at["91"][0] == at["3"][0] < at["7"][0] == at["83"][0]


def test_a_cell_has_the_colour_of_its_own_number() -> None:
    drawing = draw_confusion(np.array([[50, 50], [0, 83]]), ("no", "yes"))
    assert drawing is not None
    paths = [e.attrib for e in ElementTree.fromstring(drawing.svg).iter(f"{SVG}path")]
    cells = [a for a in paths if "fill: #1f7fc4" in a["style"]]
    corners = [tuple(float(n) for n in a["d"].split()[1:3]) for a in cells]
    faint = ["opacity: 0.70" in a["style"] for a in cells]
    assert faint == [True, True, False]
    assert corners[0][1] == corners[1][1], "both of the first row are in a line"


def test_counts_that_do_not_fit_their_cells_are_told_in_per_cent_of_the_row() -> None:
    counts = np.full((12, 12), 100_000)
    drawing = draw_confusion(counts, [str(name) for name in range(100, 112)])
    assert drawn(drawing).count("8") == 144
    assert drawing is not None
    assert "per cent of the row" in drawing.caption


def test_the_matrix_of_many_classes_has_no_numbers_and_names_what_there_is_room_for() -> None:
    found = drawn(draw_confusion(*many(30)))
    assert not [text for text in found if text.isdigit()]
    assert 10 < len({text for text in found if text.startswith("kind")}) < 30


def test_of_very_many_classes_the_most_confused_pairs_are_told() -> None:
    found = drawn(draw_confusion(*many(41)))
    assert found == ["22 of 62", "12 of 52", "kind 3 → kind 7", "kind 9 → kind 1"]


def test_very_many_classes_without_a_confusion_have_no_picture() -> None:
    counts, classes = many(41)
    assert draw_confusion(np.diag(np.diag(counts)), classes) is None


def test_reliability_tells_the_calibration_error_of_what_ships_and_of_the_teacher() -> None:
    models = {"teacher": reliability(1), SHIPS: reliability()}
    found = drawn(draw_reliability(models, SHIPS))
    assert f"{SHIPS} (ships): calibration error {models[SHIPS].error:.3f}" in found
    assert f"teacher: calibration error {models['teacher'].error:.3f}" in found
    assert not any("teacher" in text for text in drawn(draw_reliability({SHIPS: models[SHIPS]}, SHIPS)))


def test_curves_name_the_best_epoch_of_each_model() -> None:
    found = drawn(draw_curves(ACCURACY, CURVES))
    assert "teacher: 90.00 % at epoch 17 of 24" in found
    assert "student distilled: 90.00 % at epoch 29 of 40" in found
    broken = np.append(curve(3, 5), np.nan)
    assert "student distilled: 90.00 % at epoch 3 of 6" in drawn(draw_curves(ACCURACY, {"student": broken}))


def test_only_the_weakest_of_many_slices_are_shown_column_by_column() -> None:
    parts = tuple(
        SliceScore(column=f"column {n % 2}", value=f"v{n}", samples=9, metrics={"accuracy": interval(0.5 + n / 100)})
        for n in range(MOST + 6)
    )
    drawing = draw_slices(ACCURACY, parts, 0.7)
    rows = [text.split()[0] for text in drawn(drawing) if text.endswith("(9)")]
    assert rows == [f"v{n}" for n in [*range(0, MOST, 2), *range(1, MOST, 2)]]
    assert drawing is not None
    assert f"The weakest {MOST} of {MOST + 6}." in drawing.caption


def test_under_each_sample_stands_what_was_said_of_it_and_how_surely() -> None:
    found = drawn(draw_worst(WORST))
    assert found == ["pine0", "98 %", "pine1", "88 %", "willow: 70.0 % found (70 of 100)"]


def test_pictures_of_samples_keep_their_pixels_and_use_the_whole_scale() -> None:
    first, _ = pictures(draw_worst(WORST))
    assert first.shape == (8, 8, 3)
    assert np.array_equal(first[..., 0], np.round(np.arange(64) / 63 * 255).reshape(8, 8))


def test_samples_that_are_shown_together_share_their_scale() -> None:
    rows = (worst_class(np.zeros((1, 4, 4)), count=1), worst_class(np.full((1, 4, 4), 0.5), count=1))
    high = worst_class(np.ones((1, 4, 4)), count=1)
    assert [p.max() for p in pictures(draw_worst((*rows, high)))] == [
        0,
        128,
        255,
    ]


def test_colours_stay_colours_and_other_numbers_of_channels_turn_grey() -> None:
    red = np.stack([np.ones((5, 5)), np.zeros((5, 5)), np.zeros((5, 5))])
    (coloured,) = pictures(draw_worst((worst_class(red, count=1),)))
    assert coloured[0, 0].tolist() == [255, 0, 0]
    two = np.stack([np.arange(25.0).reshape(5, 5)] * 2)
    (grey,) = pictures(draw_worst((worst_class(two, count=1),)))
    assert np.ptp(grey, axis=2).max() == 0
    assert np.ptp(grey) == 255


def test_a_large_picture_is_reduced_by_means_and_keeps_its_shape() -> None:
    steps = np.repeat(np.repeat([[0.0, 1.0]], 301, axis=0), 100, axis=1)[np.newaxis]
    (small,) = pictures(draw_worst((worst_class(steps, count=1),)))
    assert small.shape == (76, 50, 3)
    assert small[:, :25].max() == 0
    assert small[:, 25:].min() == 255


@pytest.mark.parametrize("value", [np.nan, np.inf, 7.0])
def test_a_picture_without_any_contrast_is_drawn_all_the_same(value: float) -> None:
    assert pictures(draw_worst((worst_class(np.full((1, 6, 6), value), count=1),)))


@pytest.mark.parametrize(("shape", "shapes"), [((20, 3), 1), ((6,), 6)])
def test_sequences_and_vectors_are_drawn_as_lines_and_bars(shape: tuple[int, ...], shapes: int) -> None:
    inputs = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    drawing = draw_worst((worst_class(inputs, count=1),))
    assert not pictures(drawing)
    assert drawing is not None
    root = ElementTree.fromstring(drawing.svg)
    blue = [e for e in root.iter(f"{SVG}path") if "#1f7fc4" in e.get("style", "")]
    assert len(blue) == shapes


def test_a_long_name_is_cut_where_its_room_ends() -> None:
    assert fitted("oak", 200) == "oak"
    cut = fitted("a name that goes on and on and on", 80)
    assert cut.endswith("…")
    assert 60 < width_of(cut) <= 80
