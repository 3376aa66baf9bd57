"""The code of one file, as far as it can change a number: its digest without comments, and the modules it imports.

Parsing is what a command that has nothing to do would spend most of its time on, so what was found is kept in the state
folder and believed while size, modification and change time of the file are what they were.
"""

import ast
import hashlib
import json
import platform
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tasks.core.errors import InputError
from tasks.core.files import whole_file
from tasks.core.workspace import state_dir

PACKAGE = Path(__file__).parents[1]
KEPT = "code.json"
TRIES = 10


class Code(NamedTuple):
    """What is known of one file."""

    digest: str
    """sha256 of its syntax tree, without comments, docstrings and layout"""
    imports: tuple[str, ...]
    """full names that may be modules of `tasks`"""


@cache
def code_of(path: Path, package: Path = PACKAGE) -> Code:
    """Returns the code of a file of `package`, parsed if it is not the file that was parsed before."""
    stamp = _stamp(path)
    if (kept := _kept().get(str(path))) and kept[:-2] == stamp:
        return Code(kept[-2], tuple(kept[-1]))
    code = _parse(path, package)
    _kept()[str(path)] = [*stamp, *code]
    return code


def keep() -> None:
    """Writes down what was parsed, for the next process; where there is no state folder, nothing."""
    place, known = _place(), _kept()
    if place is None or known == _read(place):
        return
    with whole_file(place) as temporary:
        temporary.write_text(json.dumps({path: kept for path, kept in known.items() if Path(path).is_file()}))


def forget() -> None:
    """Drops what this process knows, as a new one would begin."""
    code_of.cache_clear()
    _kept.cache_clear()


@cache
def _kept() -> dict[str, Any]:
    """Returns path -> stamp, digest and imports."""
    place = _place()
    return {} if place is None else _read(place)


def _read(place: Path) -> dict[str, Any]:
    try:
        content = json.loads(place.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _place() -> Path | None:
    try:
        return state_dir() / KEPT
    except InputError:
        return None


def _stamp(path: Path) -> list[Any]:
    """Returns what tells another content; syntax trees, and so digests, differ from Python to Python."""
    status = path.stat()
    return [platform.python_version(), status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _parse(path: Path, package: Path) -> Code:
    tree = tree_of(path.read_bytes())
    imports: list[str] = []
    for node in ast.walk(tree):
        imports += _imports(node, path.relative_to(package.parent).parts)
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]  # type: ignore[attr-defined]
    return Code(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(imports))


def tree_of(text: bytes) -> ast.Module:
    """Returns the syntax tree of a file; asks again where another thread parsed something at the same moment.

    Before Python 3.11.8 both then count their depth in one place, and one of them ends in a SystemError (gh-106905 of
    CPython). A lock would not do: the other may be a thread of Prefect's.
    """
    for _ in range(TRIES - 1):
        with suppress(SystemError):
            return ast.parse(text)
    return ast.parse(text)


def _imports(node: ast.AST, place: tuple[str, ...]) -> Iterator[str]:
    """Yields the full names of the modules of ours that a statement in the file at `place` may import."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.startswith("tasks."))
    if isinstance(node, ast.ImportFrom):
        package = place[: -node.level] if node.level else ()
        module = ".".join([*package, *([node.module] if node.module else [])])
        names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.startswith("tasks."))


def _is_text(line: ast.stmt) -> bool:
    """Says whether a statement is a lone string: a docstring, or the text under a field."""
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
