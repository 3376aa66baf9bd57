"""YAML as a recipe needs it: small, flat, without aliases, tags and duplicate keys; numbers as YAML 1.2 reads them.

Without these limits an alias bomb of 271 bytes expands for seconds, and a file may be nested deeper than the stack.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from tasks.core.errors import RecipeError, mismatch

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
PLAIN = frozenset(f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null"))


@dataclass(frozen=True)
class Document:
    """A mapping, and the line (from 1) of each of its keys."""

    value: dict[str, Any]
    lines: dict[tuple[str | int, ...], int]


def read_document(path: Path) -> Document:
    """Returns the mapping in a YAML file.

    Raises:
        RecipeError: the file is missing, too large, not text, not YAML, nested deeper than 32, or has aliases, tags or
            duplicate keys.
    """
    document = _parsed(_read_text(path), path)
    return Document(copy.deepcopy(document.value), document.lines)


@lru_cache(maxsize=16)
def _parsed(text: str, path: Path) -> Document:
    """Returns the document of a text, parsed once per process: a run and each of its variants ask for it again."""
    node = _compose(text, str(path))
    if not isinstance(node, MappingNode):
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
    try:
        return _decoded(path)
    except OSError as error:  # no permission, a loop of links, a name that is too long
        do = "give the path of a YAML file under params/"
        raise RecipeError([mismatch(str(path), "", "a recipe that can be read", error.strerror, do)]) from None


def _decoded(path: Path) -> str:
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


def _compose(text: str, where: str) -> Node | None:
    """Returns the node tree; events are checked first, since composing recurses and expands."""
    try:
        _check_events(text, where)
        node: Node | None = _reader().compose(text)
    except YAMLError as error:
        raise RecipeError([_not_yaml(error, where)]) from None
    for inner in _nodes(node):
        if inner.tag not in PLAIN:
            what = str(inner.tag).rpartition(":")[2]
            problem = mismatch(f"{where}:{_line(inner)}", "", "YAML without tags", f"`{what}`", "write it in quotes")
            raise RecipeError([problem])
    return node


def _check_events(text: str, where: str) -> None:
    depth = 0
    for event in _reader().parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            problem = mismatch(f"{where}:{_line(event)}", "", f"at most {MAX_DEPTH} levels", "more", "flatten it")
            raise RecipeError([problem])
        if isinstance(event, AliasEvent):
            problem = mismatch(
                f"{where}:{_line(event)}", f"*{event.anchor}", "no aliases", "one", "write the value out"
            )
            raise RecipeError([problem])


def _reader() -> YAML:
    return YAML(typ="safe", pure=True)


def _construct(node: Node, where: str) -> Any:
    try:
        return _reader().constructor.construct_document(node)
    except (YAMLError, ValueError, TypeError) as error:
        raise RecipeError([_not_yaml(error, where)]) from None


def _not_yaml(error: Exception, where: str) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"{where}:{mark.line + 1}" if mark else where
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    return mismatch(place, "", "YAML", what, "correct the line")


def _line(part: Any) -> int:
    return int(part.start_mark.line) + 1 if part.start_mark else 1


def _nodes(node: Node | None) -> Iterator[Node]:
    if node is None:
        return
    yield node
    if isinstance(node, MappingNode | SequenceNode):
        for item in node.value:
            for inner in item if isinstance(node, MappingNode) else (item,):
                yield from _nodes(inner)


def _keys(node: Node, prefix: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], int]]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            location = (*prefix, str(key.value))
            yield location, _line(key)
            yield from _keys(value, location)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            yield (*prefix, index), _line(item)
            yield from _keys(item, (*prefix, index))


def _duplicate(path: Path, location: tuple[str | int, ...], line: int, first: int) -> str:
    field = ".".join(map(str, location))
    return mismatch(f"{path}:{line}", field, "each key once", f"a second one (first on line {first})", "remove one")
