from itertools import combinations
from math import inf

from tasks.contracts.metrics import Metric
from tasks.evaluate.figures.front import draw_front, front
from tests.evaluate.figures.made_data import ACCURACY, places, texts
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
    assert [s.name for s in front(ACCURACY, models)] == ["quick", "between", "slow and good"]


def test_the_key_names_every_model_with_its_bytes_and_says_which_ships() -> None:
    found = texts(draw_front(ACCURACY, scores(), SHIPS).svg)
    names = {"baseline": "student alone", "student": "student distilled"}
    for number, score_ in enumerate(scores(), 1):
        ending = " (ships)" if score_.name == SHIPS else ""
        assert f"{number} {names.get(score_.name, score_.name)}, {score_.size:,} bytes{ending}" in [
            " ".join(text.split()) for text in found
        ]
    for number in range(3, 10):  # 1 and 2 are on the axis, too
        assert found.count(str(number)) == 1, "beside the point"


def test_models_of_equal_latency_still_get_an_axis_with_ticks() -> None:
    same = tuple(s.model_copy(update={"p50_ms": 0.0213}) for s in scores())
    assert "0.02" in texts(draw_front(ACCURACY, same, SHIPS).svg)


def test_numbers_of_models_that_lie_on_each_other_are_apart() -> None:
    same = tuple(score(f"m{n}", 0.9, n, p50_ms=1.0) for n in range(8))
    at = places(draw_front(ACCURACY, same, "m0").svg)
    spots = [at[str(number)] for number in range(3, 9)]
    for one, other in combinations(spots, 2):
        assert abs(one[0] - other[0]) >= 6 or abs(one[1] - other[1]) >= 11


def test_where_lower_is_better_the_front_holds_the_lowest() -> None:
    lower = Metric("loss", "loss", "lower", high=inf, unit="number")
    models = [
        score("quick", 0.9, 30, p50_ms=0.5),
        score("slow", 0.9, 10, p50_ms=1.0),
        score("worse", 0.9, 40, p50_ms=2),
    ]
    assert [s.name for s in front(lower, models)] == ["quick", "slow"]
    assert "loss" in texts(draw_front(lower, models, "quick").svg)
