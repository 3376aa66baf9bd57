"""YAML as a recipe needs it: small, flat, no aliases, no duplicate keys, numbers as YAML 1.2 reads them.

`yaml.safe_load` alone lets a 271-byte alias bomb expand for seconds, raises RecursionError on deep nesting, keeps the
last of two equal keys without a word, and reads `1e-3` as a string and `no` as False.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.core.errors import RecipeError, mismatch

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own interface


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|false|False)$", "tTfF"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^[-+]?(?:0|[1-9][0-9_]*)$", "-+0123456789"),
    ("float", r"^[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("float", r"^[-+]?\.(?:inf|nan)$", "-+."),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


@dataclass(frozen=True)
class Document:
    """A mapping, and the line (from 1) on which each key of it stands."""

    value: dict[str, Any]
    lines: dict[tuple[str | int, ...], int]


def read_document(path: Path) -> Document:
    """Returns the mapping in a YAML file.

    Raises:
        RecipeError: the file is missing, too large, not text, not YAML, nested deeper than 32, or has aliases, tags or
            duplicate keys.
    """
    text = _read_text(path)
    node = _compose(text, str(path))
    if not isinstance(node, yaml.MappingNode):
        raise RecipeError(
            [mismatch(str(path), "", "a mapping of sections", "something else", "see params/digits.yaml")]
        )
    keys = list(_keys(node, ()))
    lines = dict(reversed(keys))
    problems = [_duplicate(path, location, line, lines[location]) for location, line in keys if lines[location] != line]
    if problems:
        raise RecipeError(problems)
    return Document(_construct(node, str(path)), lines)


def parse_value(text: str, where: str) -> Any:
    """Returns the value that `text` would have in a recipe.

    Raises:
        RecipeError: it is not YAML.
    """
    node = _compose(text, where)
    return None if node is None else _construct(node, where)


def _read_text(path: Path) -> str:
    if not path.is_file():
        got = "a folder" if path.is_dir() else "no such file"
        raise RecipeError([mismatch(str(path), "", "a recipe", got, "give the path of a YAML file under params/")])
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise RecipeError([mismatch(str(path), "", f"at most {MAX_BYTES:,} bytes", f"{size:,}", "is this a recipe?")])
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        problem = mismatch(str(path), "", "UTF-8 text", f"other bytes at offset {error.start}", "save it as UTF-8")
        raise RecipeError([problem]) from None


def _compose(text: str, where: str) -> yaml.Node | None:
    """Returns the node tree; events are looked at first, since composing recurses and expands."""
    try:
        depth = 0
        for event in yaml.parse(text, _Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            line = event.start_mark.line + 1 if event.start_mark else 1
            if depth > MAX_DEPTH:
                problem = mismatch(f"{where}:{line}", "", f"at most {MAX_DEPTH} levels", "more", "flatten it")
                raise RecipeError([problem])
            if isinstance(event, yaml.AliasEvent):
                problem = mismatch(f"{where}:{line}", f"*{event.anchor}", "no aliases", "one", "write the value out")
                raise RecipeError([problem])
        node: yaml.Node | None = yaml.compose(text, _Loader)
    except yaml.YAMLError as error:
        raise RecipeError([_not_yaml(error, where)]) from None
    return node


def _construct(node: yaml.Node, where: str) -> Any:
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise RecipeError([_not_yaml(error, where)]) from None
    finally:
        loader.dispose()


def _not_yaml(error: Exception, where: str) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"{where}:{mark.line + 1}" if mark else where
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    return mismatch(place, "", "YAML", what, "mend the line")


def _keys(node: yaml.Node, prefix: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            location = (*prefix, str(key.value))
            yield location, key.start_mark.line + 1
            yield from _keys(value, location)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*prefix, index), item.start_mark.line + 1
            yield from _keys(item, (*prefix, index))


def _duplicate(path: Path, location: tuple[str | int, ...], line: int, first: int) -> str:
    field = ".".join(map(str, location))
    return mismatch(f"{path}:{line}", field, "each key once", f"a second one (first on line {first})", "remove one")
