from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.sweep.optuna_search import OptunaSearch
from flows.sweep.search_space import SearchSpace
from params.sweep import Optuna
from tasks.core.errors import RecipeError
from tasks.kinds.recipes import load_recipe

REPOSITORY = Path(__file__).parents[3]
DIGITS = REPOSITORY / "params/digits.yaml"


def space(sweep: Mapping[str, Any]) -> SearchSpace:
    return SearchSpace.open(
        REPOSITORY, DIGITS, [f"sweep={yaml.safe_dump(sweep, default_flow_style=True, sort_keys=False)}"]
    )


def test_a_grid_asks_for_every_combination_once() -> None:
    fields = {"student.architecture.channels": [[4, 8], [8, 16]], "distill.temperature": [1, 2, 4]}
    shared = space({"search": "grid", "fields": fields})
    search = shared.search()
    asked = search.ask()
    assert [(v["student.architecture.channels"], v["distill.temperature"]) for v in asked] == [
        (channels, temperature) for channels in ([4, 8], [8, 16]) for temperature in (1, 2, 4)
    ]
    assert search.ask() == ()
    recipe = shared.variant(asked[4]).recipe
    assert (recipe.student.architecture.model_dump()["channels"], recipe.distill.temperature) == ((8, 16), 2.0)


def test_the_settings_of_a_student_make_its_recipe_of_the_one_in_the_file() -> None:
    shared = space({"search": "grid", "fields": {"student.architecture.channels": [[4, 8]], "distill.alpha": [0.3]}})
    variant = shared.variant(shared.search().ask()[0])
    typed = SearchSpace.open(REPOSITORY, DIGITS, [*shared.overrides, *variant.settings])
    assert typed.recipe == variant.recipe
    assert variant.label == "channels [4, 8], alpha 0.3"


def test_every_mistake_of_a_grid_comes_at_once_by_name_and_line() -> None:
    with pytest.raises(RecipeError) as error:
        space(
            {
                "search": "grid",
                "fields": {
                    "distill.temperature": [4, -1, -2],
                    "student.architecture.chanels": [[8]],
                    "student.training.learning_rate": [0.01, "fast"],
                },
            }
        )
    problems = error.value.problems
    assert len(problems) == 4, problems
    for words in ("`distill.temperature`", "got -1", "got -2", "did you mean `channels`", "got 'fast'"):
        assert any(words in problem for problem in problems), words


def test_a_wrong_value_is_named_with_the_line_of_its_field(tmp_path: Path) -> None:
    path = tmp_path / "digits.yaml"
    path.write_text(DIGITS.read_text().replace("distill.temperature: [2, 4]", "distill.temperature: [2, -4]"))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "distill.temperature:" in text)
    with pytest.raises(RecipeError, match=rf"digits.yaml:{line}`: `distill.temperature`: expected .* got -4"):
        SearchSpace.open(REPOSITORY, path, [])


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        ({"search": "grid", "fields": {"teacher.training.epochs": [1]}}, "not `teacher.training.epochs`"),
        ({"search": "grid", "fields": {}}, "not none"),
        ({"search": "grid", "fields": {"distill.alpha": []}}, "sweep.fields.distill.alpha"),
        ({"search": "grid", "fields": {"distill.alpha": [0.1]}, "workers": 0}, "`sweep.workers`"),
        ({"search": "grid", "fields": {"distill.alpha": [0.1]}, "runner": "threads"}, "'processes', 'dask' or 'ray'"),
        ({"search": "grid", "fields": {"distill.alpha": [0.1]}, "address": "tcp://a:1"}, "it needs `runner: dask`"),
        ({"search": "optuna", "fields": {"distill.alpha": {"low": 0.1}}}, "`low` and `high`, or `choices`"),
        ({"search": "optuna", "fields": {"distill.alpha": {"low": 0.5, "high": 7}}}, "`distill.alpha`"),
        ({"search": "optuna", "fields": {"distill.alpha": {"low": 0, "high": 1, "log": True}}}, "`low` above 0"),
        ({"search": "grid", "fields": {"distill.alpha": [0.1] * 101, "distill.temperature": [1] * 100}}, "10,100"),
    ],
)
def test_a_mistake_in_how_to_search_is_named(sweep: Mapping[str, Any], words: str) -> None:
    with pytest.raises(RecipeError) as error:
        space(sweep)
    assert words in str(error.value)


def test_a_recipe_without_a_sweep_is_told_how_one_looks() -> None:
    with pytest.raises(RecipeError, match="`sweep`: expected a section, got none; add one"):
        SearchSpace.open(REPOSITORY, REPOSITORY / "params/vowels.yaml", [])


def test_mutual_learning_cannot_be_swept_but_may_have_a_sweep_beside_it() -> None:
    mutual = ["data.labels=all", "teacher=null", "peer={architecture: {kind: cnn, channels: [12, 24]}}"]
    assert load_recipe(DIGITS, mutual).sweep
    with pytest.raises(RecipeError, match="`peer`: expected a teacher, since a sweep is about many students of one"):
        SearchSpace.open(REPOSITORY, DIGITS, mutual)


def test_what_is_swept_is_no_part_of_what_a_model_is_made_of() -> None:
    shared = space({"search": "grid", "fields": {"distill.alpha": [0.1]}})
    assert "sweep" not in shared.recipe.model_sections


SEARCH: dict[str, Any] = {
    "search": "optuna",
    "trials": 30,
    "batch": 5,
    "fields": {
        "student.training.learning_rate": {"low": 1e-3, "high": 1, "log": True},
        "student.architecture.channels": {"choices": ([4, 8], [8, 16])},
        "student.training.epochs": {"low": 2, "high": 8},
    },
}


def walked(search: OptunaSearch, favourite: float) -> list[Mapping[str, Any]]:
    """What a search asks for where a student is the better the nearer its learning rate is to the favourite."""
    seen: list[Mapping[str, Any]] = []
    while asked := search.ask():
        seen += asked
        for values in asked:
            rate = values["student.training.learning_rate"]
            search.tell(values, None if rate > 0.5 else -abs(rate - favourite), broken=0)
    return seen


def test_a_search_asks_for_the_same_students_again_and_goes_where_they_were_good() -> None:
    params = Optuna.model_validate(SEARCH)
    first, again = (walked(OptunaSearch(params), 0.01) for _ in range(2))
    assert first == again
    assert len(first) == 30
    early, late = ([abs(v["student.training.learning_rate"] - 0.01) for v in half] for half in (first[:10], first[20:]))
    assert sum(late) < sum(early)
    for values in first:
        assert 1e-3 <= values["student.training.learning_rate"] <= 1
        assert values["student.architecture.channels"] in ([4, 8], [8, 16])
        assert values["student.training.epochs"] in range(2, 9)


def test_a_search_leaves_where_limits_break() -> None:
    def late(broken_above: float) -> float:
        search = OptunaSearch(Optuna.model_validate({**SEARCH, "trials": 40}))
        seen: list[Mapping[str, Any]] = []
        while asked := search.ask():
            seen += asked
            for values in asked:
                rate = values["student.training.learning_rate"]
                search.tell(values, rate, broken=int(rate > broken_above))
        return float(sum(v["student.training.learning_rate"] > 0.1 for v in seen[20:]))

    assert late(broken_above=0.1) < late(broken_above=2)
