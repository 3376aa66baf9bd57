"""The JSON schema of a recipe for editors: with the texts below its fields, and with the short forms that are taken.

pydantic could read the texts when the classes are made; that would slow down every command, and one needs them.
"""

import ast
import inspect
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from params.pipeline import Recipe
from params.section import Section

FILE = "recipe.schema.json"
"""beside the recipes"""
LINE = f"# yaml-language-server: $schema={FILE}\n"
"""the first line of a recipe: editors find the schema by it"""
ADDRESS = "https://json-schema.org/draft/2020-12/schema"
SHORT: dict[str, dict[str, Any]] = {
    "FromTeacher": {"const": "teacher"},
    "FromChampion": {"const": "champion"},
    "SoftLabelStore": {"enum": ["cached", "live"]},
    "Label": {"type": "string"},
}
"""section -> what may stand in its place"""
KIND_GUESSED = ("TrainedTeacher", "WeightsTeacher")
"""sections whose other fields say which kind they are"""


def recipe_schema() -> dict[str, Any]:
    """Returns the schema of a whole recipe."""
    schema = Recipe.model_json_schema()
    sections = {"Recipe": schema, **schema["$defs"]}
    for section in _sections(Section):
        fields = sections.get(section.__name__, {}).get("properties", {})
        for name, text in attribute_docs(section).items():
            if name in fields:
                fields[name]["description"] = text
    _take_short_forms(schema["$defs"])
    for name in KIND_GUESSED:
        schema["$defs"][name]["required"].remove("kind")
    # The name is that of the file where it is left out.
    required = [name for name in schema["required"] if name != "name"]
    return {"$schema": ADDRESS, **schema, "required": required}


def schema_text() -> str:
    """Returns the schema as JSON."""
    return json.dumps(recipe_schema(), indent=1, ensure_ascii=False) + "\n"


def attribute_docs(one: type) -> dict[str, str]:
    """Returns the text below each attribute of a class and of what it inherits from, in one line."""
    found: dict[str, str] = {}
    for base in reversed(one.__mro__):
        if base not in (object, BaseModel):
            found.update(_own_docs(base))
    return found


def _own_docs(one: type) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(inspect.getsource(one)).body
    for line, below in pairwise(getattr(definition, "body", [])):
        if isinstance(line, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            yield ast.unparse(line.target), " ".join(str(below.value.value).split())


def _sections(base: type[Section]) -> Iterator[type[Section]]:
    for section in base.__subclasses__():
        yield section
        yield from _sections(section)


def _take_short_forms(sections: dict[str, Any]) -> None:
    """Lets the name of a pass, of a candidate or of a source stand where a section with nothing else in it could."""
    passes = sections["CandidateParams"]["properties"]["passes"]["items"]
    kinds = {one["$ref"].rpartition("/")[2] for one in passes["oneOf"]}
    short = SHORT | {kind: sections[kind]["properties"]["kind"] for kind in kinds}
    short["CandidateParams"] = {"anyOf": [passes, {"type": "array", "items": passes, "minItems": 1}]}
    for name, instead in short.items():
        sections[name] = {"anyOf": [sections[name], instead]}
