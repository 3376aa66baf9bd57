"""What a schedule listens to: each trigger says yes or no, and why."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.changes import Comparison, ingredients_of
from flows.triggers import ask_triggers
from params.pipeline import Recipe
from tasks.core.fingerprint import Ingredients, explain
from tasks.kinds.recipes import load_recipe
from tasks.registry.ledger.entries import PastRun

ROOT = Path(__file__).parents[2]
HERE = Path()


def recipe_listening_to(*triggers: str) -> Recipe:
    return load_recipe(ROOT / "params/digits.yaml", [f"retrain.when=[{', '.join(triggers)}]"])


def ingredients(**changes: dict[str, str]) -> Ingredients:
    whole = {"recipe": {}, "data": {"version": "1.dir", "source": "10 files (a)"}, "code": {}, "libraries": {}}
    return Ingredients.model_validate(whole | changes)


def compared(now: Ingredients) -> Comparison:
    last = ingredients()
    run = PastRun(fingerprint="f", ingredients=last, outcome="released", version=1, time=datetime.now(UTC))
    return Comparison(now, run, explain(last, now))


def test_new_files_are_new_data_and_are_counted() -> None:
    now = ingredients(data={"version": "1.dir", "source": "12 files (b)"})
    answer = ask_triggers(HERE, recipe_listening_to("new_data"), compared(now))
    assert answer == (True, "data source 10 files (a) -> 12 files (b)")


def test_other_code_is_a_change_but_no_new_data() -> None:
    now = ingredients(code={"tasks/distill/loss.py": "2"})
    assert ask_triggers(HERE, recipe_listening_to("change"), compared(now)).yes
    assert ask_triggers(HERE, recipe_listening_to("new_data", "change"), compared(now)).yes
    answer = ask_triggers(HERE, recipe_listening_to("new_data"), compared(now))
    assert answer == (False, "code of `tasks/distill/loss.py`, but new_data: the data is that of the last run")


def test_a_recipe_that_never_ran_needs_no_other_reason() -> None:
    never = Comparison(ingredients(), None, ("it never ran here",))
    assert ask_triggers(HERE, recipe_listening_to("new_data"), never) == (True, "it never ran here")


def test_what_a_schedule_listens_to_is_no_part_of_what_a_model_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    listening = [recipe_listening_to("change"), recipe_listening_to("drift")]
    assert len({ingredients_of(ROOT, recipe).digest for recipe in listening}) == 1
