"""From a YAML file and overrides to a valid recipe, or to every problem in it at once."""

import copy
import difflib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from params.pipeline import Recipe
from tasks.core.errors import RecipeError, mismatch, printable
from tasks.core.yaml_reader import Document, parse_value, read_document
from tasks.kinds.limits import refused_names

Location = tuple[str | int, ...]
_ABSENT = object()


def load_recipe(path: Path, overrides: Sequence[str] = (), swept: Mapping[str, Any] | None = None) -> Recipe:
    """Returns the recipe in a file, with `section.field=value` overrides laid over it.

    Args:
        path: of the recipe.
        overrides: as they are typed behind `--set`.
        swept: dotted field -> value, of one student of a sweep; laid over both.

    Raises:
        RecipeError: with every problem found: place, expected, got, what to do.
    """
    document = read_document(path)
    problems: list[str] = []
    origins: dict[Location, str] = {}
    for override in overrides:
        problem = _apply(override, document.value, origins)
        problems.extend([problem] if problem else [])
    for field, value in (swept or {}).items():
        where = _place(path, document, ("sweep", "fields", field))
        problem = _lay(tuple(field.split(".")), copy.deepcopy(value), where, document.value, origins)
        problems.extend([problem] if problem else [])
    if document.value.setdefault("name", path.stem) != path.stem:
        expected, got = f"`{path.stem}`, the name of the file", f"`{document.value['name']}`"
        do = f"write `name: {path.stem}`, or leave that line out"
        problems.append(printable(mismatch(_place(path, document, ("name",)), "name", expected, got, do)))
    try:
        recipe = Recipe.model_validate(document.value)
    except ValidationError as invalid:
        problems.extend(_describe(error, path, document, origins) for error in invalid.errors(include_url=False))
        raise RecipeError(problems) from None
    for unknown in refused_names(recipe):
        where = _origin(unknown.location, origins) or _place(path, document, unknown.location)
        problems.append(printable(mismatch(where, _dotted(unknown.location), *unknown[1:])))
    if problems:
        raise RecipeError(problems)
    return recipe


def load_variants(path: Path, overrides: Sequence[str], swept: Sequence[Mapping[str, Any]]) -> tuple[Recipe, ...]:
    """Returns the recipe once with each of several values of its fields.

    Raises:
        RecipeError: with every problem of any of them, each said once.
    """
    recipes: list[Recipe] = []
    problems: dict[str, None] = {}
    for values in swept:
        try:
            recipes.append(load_recipe(path, overrides, values))
        except RecipeError as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise RecipeError([*problems])
    return tuple(recipes)


def _apply(override: str, value: dict[str, Any], origins: dict[Location, str]) -> str | None:
    """Lays one `section.field=value` over `value`; returns the problem with it, if any."""
    name, equals, text = override.partition("=")
    keys = tuple(name.strip().split("."))
    if not equals or not all(keys):
        return mismatch(
            f"--set {override}", "", "`section.field=value`", f"`{override}`", "write it like distill.temperature=2"
        )
    where = f"--set {override}"
    return _lay(keys, parse_value(text, where), where, value, origins)


def _lay(
    keys: tuple[str, ...], field: Any, where: str, value: dict[str, Any], origins: dict[Location, str]
) -> str | None:
    """Puts a value at its place; returns the problem with that, if any."""
    target: Any = value
    for depth, key in enumerate(keys[:-1], start=1):
        target = target.setdefault(key, {})
        if not isinstance(target, dict):
            return mismatch(where, ".".join(keys[:depth]), "a section", repr(target), "set the field itself")
    target[keys[-1]] = field
    origins[keys] = where
    return None


def _describe(error: Any, path: Path, document: Document, origins: Mapping[Location, str]) -> str:
    location = _without_tags(error["loc"], document.value)
    where = _origin(location, origins) or _place(path, document, location)
    expected, got, do = _explain(error, location)
    return printable(mismatch(where, _dotted(location), expected, got, do))


def _origin(location: Location, origins: Mapping[Location, str]) -> str | None:
    """Returns the override that a location comes from, if one does."""
    dotted = f"{_dotted(location)}."
    return next((said for keys, said in origins.items() if dotted.startswith(f"{_dotted(keys)}.")), None)


def _explain(error: Any, location: Location) -> tuple[str, str, str]:
    """Returns (expected, got, what to do) for one error of pydantic."""
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "a value", "nothing", f"add `{location[-1]}`"
        case "extra_forbidden":
            return _unknown_key(error["loc"])
        case "union_tag_not_found":
            return "`kind`", "none", "say which kind it is"
        case "union_tag_invalid":
            tags = context["expected_tags"].replace("'", "`")
            return f"`kind` to be one of {tags}", f"`{_cut(str(context['tag']))}`", "choose one of them"
        case "value_error":
            return "sections that go together", "a contradiction", str(context["error"])
        case "dict_type" | "model_type" | "model_attributes_type" | "mapping_type":
            return "fields with values, `{name: value}`", _shown(error["input"]), "write a section"
        case "tuple_type" | "list_type":
            return "a list, `[one, another]`", _shown(error["input"]), "write brackets around it"
        case _:
            expected = error["msg"].removeprefix("Input should be ").removeprefix("Input should ")
            return expected, _shown(error["input"]), "change it"


def _unknown_key(location: Location) -> tuple[str, str, str]:
    key = str(location[-1])
    known = _known_keys(location[:-1])
    close = difflib.get_close_matches(key, known, n=1)
    do = f"did you mean `{close[0]}`?" if close else "remove it"
    return f"one of {', '.join(f'`{k}`' for k in known)}", f"the unknown key `{key}`", do


def _known_keys(location: Location) -> list[str]:
    """Returns the keys that the schema knows at a location of pydantic's (with the tags of unions in it)."""
    schema = _schema()
    definitions = schema["$defs"]
    for step in location:
        inner = schema.get("properties", {}).get(step) or schema.get("discriminator", {}).get("mapping", {}).get(step)
        schema = _resolved(schema.get("items") if isinstance(step, int) else inner, definitions)
    return list(schema.get("properties", {}))


@cache
def _schema() -> dict[str, Any]:
    return Recipe.model_json_schema()


def _resolved(schema: Any, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Follows references, and takes the one real alternative of an optional section."""
    if isinstance(schema, str):
        schema = {"$ref": schema}
    schema = schema or {}
    if "anyOf" in schema:
        schema = next((s for s in schema["anyOf"] if s.get("type") != "null"), {})
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    return dict(schema)


def _without_tags(location: Location, value: Any) -> Location:
    """Drops the steps that are not in the file: pydantic adds the member of a union, we what a short form stands for.

    A last name stays all the same: it may be what is missing.
    """
    kept: list[str | int] = []
    for place, step in enumerate(location, start=1):
        inner = _step(value, step)
        is_tag = isinstance(value, dict) and value.get("kind") == step
        if inner is _ABSENT and (is_tag or isinstance(step, int) or place < len(location)):
            continue
        if is_tag and place < len(location) and isinstance(inner, str):
            continue  # a field that is named as the kind: `{kind: weights, weights: FILE}`
        kept.append(step)
        value = inner
    return tuple(kept)


def _step(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step, _ABSENT)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return _ABSENT


def _place(path: Path, document: Document, location: Location) -> str:
    """Returns `file` or `file:line` of a location, or of the nearest section that is there."""
    for end in range(len(location), 0, -1):
        if location[:end] in document.lines:
            return f"{path}:{document.lines[location[:end]]}"
    return str(path)


def _dotted(location: Location) -> str:
    return ".".join(str(step) for step in location)


def _shown(value: Any) -> str:
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
