"""The code of one file, as far as it can change a number: its digest without comments, and the modules it imports.

Parsing is what a command that has nothing to do would spend most of its time on, so the result is stored in the state
folder and valid while size, modification and change time of the file are the same.
"""

import ast
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tasks.core.errors import InputError
from tasks.core.files import whole_file
from tasks.core.workspace import state_dir

ROOT = Path(__file__).parents[2]
OURS = ("tasks.", "params.")
STORE = "code.json"
TRIES = 10
PATTERN = re.compile(r"tasks(\.(\w+|\{\}))+")
"""a module that `plugins.load` finds by a name in the recipe: `tasks.kinds.{}.loss`"""


class Code(NamedTuple):
    """What is known of one file."""

    digest: str
    """sha256 of its syntax tree, without comments, docstrings, layout and imports for type checkers"""
    imports: tuple[str, ...]
    """full names that may be modules of ours, with `{}` where a name of the recipe belongs"""


@cache
def code_of(path: Path, function: str = "", root: Path = ROOT) -> Code:
    """Returns the code of a file below `root`, parsed only if it changed.

    Args:
        path: of the file.
        function: where given, only this function counts, and what it uses of the file and of its imports.
        root: the folder that holds our packages.
    """
    key, stamp = f"{path}:{function}", _stamp(path)
    if (stored := _stored().get(key)) and stored[:-2] == stamp:
        return Code(stored[-2], tuple(stored[-1]))
    code = _parse(path, function, root)
    _stored()[key] = [*stamp, *code]
    return code


def save() -> None:
    """Writes what was parsed for the next process; does nothing without a state folder."""
    place, known = _place(), _stored()
    if place is None or known == _read(place):
        return
    present = {key: stored for key, stored in known.items() if Path(key.rpartition(":")[0]).is_file()}
    with whole_file(place) as temporary:
        temporary.write_text(json.dumps(present))


def forget() -> None:
    """Drops what this process knows, as in a new one."""
    code_of.cache_clear()
    _stored.cache_clear()


@cache
def _stored() -> dict[str, Any]:
    """Returns `path:function` -> stamp, digest and imports."""
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
        return state_dir() / STORE
    except InputError:
        return None


def _stamp(path: Path) -> list[Any]:
    """Returns what differs with the content; syntax trees, and so digests, differ between versions of Python."""
    status = path.stat()
    return [platform.python_version(), status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _parse(path: Path, function: str, root: Path) -> Code:
    tree = tree_of(path.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_silent(line)]  # type: ignore[attr-defined]
    if function:
        tree.body = _used_by(function, tree.body)
    place = path.relative_to(root).parts
    imports = dict.fromkeys(name for node in ast.walk(tree) for name in _imports(node, place))
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


def _used_by(function: str, lines: Iterable[ast.stmt]) -> list[ast.stmt]:
    """Returns the statements of a module that a function needs, itself included, directly or not."""
    binding = {name: line for line in lines for line, names in _bindings(line) for name in names}
    used, waiting = {function: binding[function]}, [function]
    while waiting:
        names = (node.id for node in ast.walk(used[waiting.pop()]) if isinstance(node, ast.Name))
        new = [name for name in dict.fromkeys(names) if name in binding and name not in used]
        used |= {name: binding[name] for name in new}
        waiting += new
    return [line for name, line in binding.items() if name in used]


def _bindings(line: ast.stmt) -> Iterator[tuple[ast.stmt, Sequence[str]]]:
    """Yields a statement and the names it defines; an import is taken apart: each of its names has another module."""
    match line:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield line, [line.name]
        case ast.ImportFrom():
            for alias in line.names:
                yield ast.ImportFrom(line.module, [alias], line.level), [alias.asname or alias.name]
        case _:
            stored = (node for node in ast.walk(line) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
            yield line, [node.id for node in stored]


def _imports(node: ast.AST, place: tuple[str, ...]) -> Iterator[str]:
    """Yields the full names of the modules of ours that a part of the file at `place` may import."""
    match node:
        case ast.Import():
            yield from (alias.name for alias in node.names if alias.name.startswith(OURS))
        case ast.ImportFrom():
            package = place[: -node.level] if node.level else ()
            module = ".".join([*package, *([node.module] if node.module else [])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
            yield from (name for name in names if name.startswith(OURS))
        case ast.Call(func=ast.Name(id="part"), args=[_, ast.Constant(value=str(name)), *_]):
            yield f"tasks.kinds.{{}}.{name}"  # `part(task, "head", HeadPart)` of `kinds/contract.py`
        case ast.Constant(value=str(text)) if "{}" in text and PATTERN.fullmatch(text):
            yield text


def _is_silent(line: ast.stmt) -> bool:
    """Says whether a statement does nothing: a docstring, the text under a field, or imports for type checkers."""
    match line:
        case ast.Expr(value=ast.Constant(value=str())) | ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
            return True
    return False
