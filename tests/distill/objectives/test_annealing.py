from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from params.annealing import AnnealedFraction, AnnealedTemperature, Annealing
from params.distill import Distill
from params.objectives import Dkd, Kl, Objectives
from params.section import Section
from tasks.core.errors import RecipeError
from tasks.distill.annealing import value_at
from tasks.kinds.recipes import load_recipe

DIGITS = Path(__file__).parents[3] / "params" / "digits.yaml"


def values(epochs: int, **said: Any) -> list[float]:
    return [value_at(Annealing(**said), epoch, epochs) for epoch in range(1, epochs + 1)]


def mistakes(**said: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        Said.model_validate(said)
    return [(".".join(str(step) for step in e["loc"]), e["msg"]) for e in caught.value.errors()]


class Said(Section):
    """Every place where an annealing may stand."""

    alpha: AnnealedFraction = 0.1
    temperature: AnnealedTemperature = 4.0
    objectives: Objectives = ()


def test_a_number_is_the_same_in_every_epoch() -> None:
    assert [value_at(0.3, epoch, 5) for epoch in (1, 3, 5)] == [0.3] * 3


def test_a_linear_annealing_takes_equal_steps_from_start_to_end() -> None:
    assert values(5, start=1.0, end=3.0) == [1.0, 1.5, 2.0, 2.5, 3.0]


def test_a_cosine_is_half_way_in_the_middle_and_slow_at_both_ends() -> None:
    found = values(5, start=1.0, end=0.0, shape="cosine")
    assert found[0] == 1
    assert found == pytest.approx([1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5, 0], abs=1e-12)


def test_an_annealing_over_a_part_of_the_epochs_stays_at_its_end() -> None:
    assert values(10, start=0.0, end=8.0, over=0.5) == [0.0, 2.0, 4.0, 6.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0]


@pytest.mark.parametrize("over", [0.01, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("shape", ["linear", "cosine"])
@pytest.mark.parametrize("epochs", [2, 3, 7, 30])
def test_every_annealing_begins_at_its_start_ends_at_its_end_and_never_turns_back(
    over: float, shape: str, epochs: int
) -> None:
    found = values(epochs, start=5.0, end=0.1, over=over, shape=shape)
    assert found[0] == 5.0
    assert found[-1] == 0.1
    assert found == sorted(found, reverse=True)


def test_a_training_of_one_epoch_has_the_start() -> None:
    assert values(1, start=5.0, end=0.1) == [5.0]


def test_numbers_and_annealings_stand_in_the_same_places() -> None:
    rising, falling = {"start": 0.0, "end": 1.0, "over": 0.5}, {"start": 8, "end": 1, "shape": "cosine"}
    said = Distill.model_validate(
        {"alpha": rising, "temperature": falling, "objectives": [{"kind": "dkd", "weight": rising, "temperature": 2}]}
    )
    (dkd,) = said.objectives
    assert isinstance(dkd, Dkd)
    assert isinstance(said.alpha, Annealing)
    assert isinstance(dkd.weight, Annealing)
    assert (value_at(said.alpha, 1, 4), value_at(said.temperature, 1, 4), dkd.temperature) == (0.0, 8.0, 2.0)
    assert value_at(dkd.weight, 2, 4) == 1.0
    again: BaseModel = Distill.model_validate(said.model_dump(exclude_defaults=True))
    assert again == said
    assert Distill.model_validate_json(said.model_dump_json()) == said


def test_what_a_recipe_leaves_out_is_kl_at_the_temperature_of_the_section() -> None:
    assert Distill().objectives == (Kl(kind="kl"),)
    assert Kl(kind="kl").temperature is None
    assert Kl(kind="kl").weight == 1.0


@pytest.mark.parametrize("field", ["alpha", "temperature"])
@pytest.mark.parametrize("wrong", ["x", True, None, [1], float("nan"), float("inf"), -1, 5000])
def test_a_wrong_number_is_one_message_about_a_number(field: str, wrong: Any) -> None:
    ((place, message),) = mistakes(**{field: wrong})
    assert place == field
    assert "number" in message or "than" in message


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"start": 1.5, "end": 0}, "alpha.start"),
        ({"start": 1, "end": -0.1}, "alpha.end"),
        ({"start": 1}, "alpha.end"),
        ({"start": 1, "end": 0, "shape": "step"}, "alpha.shape"),
        ({"start": 1, "end": 0, "over": 0}, "alpha.over"),
        ({"start": 1, "end": 0, "over": 1.5}, "alpha.over"),
        ({"start": 1, "end": 0, "until": 3}, "alpha.until"),
        ({"start": "1", "end": 0}, "alpha.start"),
    ],
)
def test_a_wrong_annealing_is_one_message_at_the_field_that_is_wrong(wrong: Any, place: str) -> None:
    assert [found for found, _ in mistakes(alpha=wrong)] == [place]


def test_bounds_of_a_place_bind_both_ends_of_its_annealing() -> None:
    assert [p for p, _ in mistakes(temperature={"start": 0, "end": 2000})] == ["temperature.start", "temperature.end"]
    wrong = [{"kind": "hint", "weight": {"start": -1, "end": 1}, "layers": [{"student": "a", "teacher": "b"}]}]
    assert [p for p, _ in mistakes(objectives=wrong)] == ["objectives.0.hint.weight.start"]


def test_the_recipe_says_which_keys_an_annealing_has() -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(DIGITS, ["distill.alpha={start: 1, ende: 0}"])
    missing, unknown = caught.value.problems
    assert "`distill.alpha.end`" in missing
    assert "one of `start`, `end`, `shape`, `over`" in unknown
    assert "did you mean `end`?" in unknown


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"kind": "kll"}, "objectives.0"),
        ({}, "objectives.0"),
        ({"kind": "logit_mse", "temperature": 2}, "objectives.0.logit_mse.temperature"),
        ({"kind": "kl", "weight": -1}, "objectives.0.kl.weight"),
        ({"kind": "kl", "per": "frame"}, "objectives.0.kl.per"),
        ({"kind": "hint"}, "objectives.0.hint.layers"),
        ({"kind": "hint", "layers": []}, "objectives.0.hint.layers"),
        ({"kind": "hint", "layers": [{"student": "a"}]}, "objectives.0.hint.layers.0.teacher"),
        (
            {"kind": "crd", "negatives": 0, "layers": [{"student": "a", "teacher": "b"}]},
            "objectives.0.crd.negatives",
        ),
    ],
)
def test_a_wrong_objective_is_one_message_at_the_field_that_is_wrong(wrong: Any, place: str) -> None:
    assert [found for found, _ in mistakes(objectives=[wrong])] == [place]


def test_no_objective_at_all_is_one_message() -> None:
    assert mistakes(objectives=[]) == [("objectives", "Tuple should have at least 1 item after validation, not 0")]
