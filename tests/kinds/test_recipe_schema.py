"""The JSON schema of a recipe, by which editors check and complete."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tasks.core.yaml_reader import read_document
from tasks.kinds.recipe_schema import FILE, LINE, recipe_schema, schema_text

PARAMS = Path(__file__).parents[2] / "params"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(recipe_schema())


@pytest.mark.parametrize("path", sorted(PARAMS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_keeps_to_it_and_names_it_in_its_first_line(path: Path, validator: Draft202012Validator) -> None:
    assert path.read_text(encoding="utf-8").startswith(LINE)
    assert [error.message for error in validator.iter_errors(read_document(path).value)] == []


def test_a_wrong_key_is_an_error_in_the_editor(validator: Draft202012Validator) -> None:
    recipe = read_document(PARAMS / "digits.yaml").value
    recipe["distill"]["temprature"] = 2
    assert "temprature" in next(validator.iter_errors(recipe)).message


def test_the_texts_below_the_fields_are_the_descriptions() -> None:
    schema = recipe_schema()
    assert schema["properties"]["seed"]["description"].startswith("of every training of this recipe")
    inherited = schema["$defs"]["CocoBoxesReader"]["properties"]
    assert inherited["size"]["description"] == "(height, width) in pixels"
    assert inherited["annotations"]["description"] == "the COCO file, by its name in the source"


def test_the_file_beside_the_recipes_is_what_the_code_says() -> None:
    assert json.loads((PARAMS / FILE).read_text(encoding="utf-8")) == json.loads(schema_text()), "`python -m manual`"
