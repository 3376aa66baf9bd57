import numpy as np
import pytest

from tasks.drawing.canvas import styled
from tasks.drawing.numbering import REACH, Box, Spot, placed
from tasks.evaluate.figures.front import draw_front, front
from tests.evaluate.figures.made_data import figure_data, texts
from tests.evaluate.report.made import SHIPS, score, scores


def test_the_front_holds_what_no_other_model_beats_in_both() -> None:
    models = [
        score("slow and good", 0.96, 1, p50_ms=3.0),
        score("quick", 0.90, 1, p50_ms=0.5),
        score("beaten in both", 0.89, 1, p50_ms=0.6),
        score("as good but slower", 0.90, 1, p50_ms=0.7),
        score("as quick but worse", 0.92, 1, p50_ms=1.0),
        score("between", 0.93, 1, p50_ms=1.0),
    ]
    assert [s.name for s in front(models)] == ["quick", "between", "slow and good"]


def test_the_key_names_every_model_with_its_bytes_and_says_which_ships() -> None:
    with styled():
        found = texts(draw_front(figure_data()).svg)
    for score_ in scores()[3:]:
        assert (f"{score_.name} (ships)" if score_.name == SHIPS else score_.name) in found
    assert {"teacher", "student alone", "student distilled"} <= set(found)
    assert {f"{s.size:,} bytes" for s in scores()} <= set(found)
    for number in range(3, 10):  # 1 and 2 are on the axis, too
        assert found.count(str(number)) == 2, "once beside the point, once in the key"


def test_models_of_equal_latency_still_get_an_axis_with_ticks() -> None:
    same = tuple(s.model_copy(update={"p50_ms": 0.0213}) for s in scores())
    with styled():
        found = texts(draw_front(figure_data(scores=same)).svg)
    assert "0.02" in found


def overlap(one: Box, other: Box) -> float:
    wide, high = (min(one[n + 2], other[n + 2]) - max(one[n], other[n]) for n in (0, 1))
    return wide * high if wide > 0 and high > 0 else 0.0


def test_numbers_cover_neither_points_nor_each_other_nor_leave_the_frame() -> None:
    draws = np.random.default_rng(3)
    for _ in range(30):
        spots = [Spot(float(x), float(y), 15, 13) for x, y in draws.uniform((20, 20), (220, 180), (10, 2))]
        labels = [spot.at(*place) for spot, place in zip(spots, placed(spots, (0, 0, 280, 220)), strict=True)]
        markers = [(s.x - REACH, s.y - REACH, s.x + REACH, s.y + REACH) for s in spots]
        for place, label in enumerate(labels):
            assert not any(overlap(label, other) for other in [*markers, *labels[:place]])
            assert overlap(label, (0, 0, 280, 220)) == pytest.approx(15 * 13)
