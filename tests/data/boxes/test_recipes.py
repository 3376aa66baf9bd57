"""The recipes with boxes: what their data comes to, from their real sources."""

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import DataError
from tasks.data.fetch import fetch
from tasks.data.prepared.prepare import prepare
from tasks.kinds.recipes import load_recipe

RECIPES = Path(__file__).parents[3] / "params"


def prepared(name: str, root: Path) -> dict[str, Any]:
    """Returns the card of the data of a recipe; skips where its source cannot be reached."""
    recipe = load_recipe(RECIPES / f"{name}.yaml")
    (root / "data" / name).mkdir(parents=True)
    try:
        fetch(recipe, root)
    except DataError as error:
        pytest.skip(f"{name}: {error}")
    prepare(recipe, root)
    card: dict[str, Any] = json.loads((root / "data" / name / "prepared/dataset.json").read_text())
    return card


def boxes(card: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {part: split["summary"]["boxes"] for part, split in card["splits"].items()}


@pytest.mark.slow
def test_cells_have_the_published_split_and_two_boxes_without_area(tmp_path: Path) -> None:
    card = prepared("cells", tmp_path)
    assert {part: split["samples"] for part, split in card["splits"].items()} == {
        "train": 205,
        "validation": 87,
        "test": 72,
    }
    of = boxes(card)
    assert {name: sum(part[name] for part in of.values()) for name in ("RBC", "WBC", "Platelets")} == {
        "RBC": 4_153,
        "WBC": 372,
        "Platelets": 361,
    }
    named = "boxes without area (in train/BloodImage_00343.jpg, validation/BloodImage_00338.jpg)"
    assert card["dropped"] == {named: 2}


@pytest.mark.slow
def test_crowns_are_tiles_of_four_pictures_of_which_none_is_in_two_parts(tmp_path: Path) -> None:
    card = prepared("crowns", tmp_path)
    assert {part: split["samples"] for part, split in card["splits"].items()} == {
        "train": 182,
        "validation": 8,
        "test": 42,
    }
    assert boxes(card)["train"] == {"Tree": 1_220, "ignored": 417}
    assert card["targets"]["names"] == ["Tree"]
