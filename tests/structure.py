"""What the structure of production code is: imports, folders, public classes, words of a kind, questions of a layout.

`python -m tests.structure` lists all that `tests/test_structure.py` looks for.
"""

import ast
import re
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGES = ("cli", "flows", "tasks", "params", "infra")
TEXTS = ("*.py", "*.html", "*.md")
OF_CLASSIFICATION = "tasks/kinds/KIND/"
"""the folders of kinds, where they belong"""
IN_A_KIND = re.compile(r"tasks/kinds/[a-z_]+/")
WORDS = re.compile(
    r"accurac(?:y|ies)|recall|confusion|macro.?f1|\bf1\b|class.?(?:counts?|scores?|weights?)"
    r"|calibration.(?:error|bins)|confidence.?bins|cross.?entropy|softmax",
    re.IGNORECASE,
)
"""in identifiers, strings, docstrings and comments. Not `precision`, which is that of floating point and comes with
recall where it is the metric; not `label_smoothing`, which is a setting of any soft target"""
CLASS_STATEMENT = re.compile(r"^class (?=[A-Z])", re.MULTILINE)
NAMES = re.compile(r"(?:^|_)class(?:es)?_|(?:^|_)classes$")
"""in identifiers alone, for Python has classes, too"""

FORMS = {path.stem for path in (ROOT / "tasks/layouts").glob("[!_]*.py")}
OF_LAYOUTS = FORMS | {"lengths"}
"""strings that only a layout should know: the names of all, and of what a layout adds to `inputs`"""
ASKED = re.compile(r"\blayout\s*(?:==|!=|in\b|not in\b)")
"""in templates"""


def cycles() -> list[tuple[str, ...]]:
    """Returns circles of imports, each module once; imports inside functions count like those at the top."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    found = []
    while cycle := _one_cycle(imports):
        found.append(cycle)
        for imported, importer in pairwise((*cycle, cycle[0])):
            imports[importer] -= {imported}
    return found


def _one_cycle(imports: dict[str, set[str]]) -> tuple[str, ...]:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: tuple[str, ...] = tuple(error.args[1][:-1])
        return found
    return ()


def folder_sizes() -> Counter[str]:
    """Returns how many modules lie in each folder, without its `__init__.py`."""
    return Counter(str(path.parent.relative_to(ROOT)) for path in _files("*.py") if path.name != "__init__.py")


def doubled_classes() -> dict[str, list[str]]:
    """Returns the names of public classes that more than one file defines, with those files."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in _files("*.py"):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    return {name: files for name, files in sorted(places.items()) if len(files) > 1}


def words_of_classification() -> dict[str, Counter[str]]:
    """Returns for each file outside `OF_CLASSIFICATION` the words of classification in it, and how often."""
    found = {}
    for path in _files(*TEXTS):
        name = path.relative_to(ROOT).as_posix()
        if not IN_A_KIND.match(name) and (words := Counter(_words(path))):
            found[name] = words
    return found


def questions_of_layouts() -> dict[str, Counter[str]]:
    """Returns for each file outside `tasks/layouts` what in it asks for a layout by name, and how often."""
    found = {}
    for path in _files(*TEXTS):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("tasks/layouts/") and (asked := Counter(_asked(path))):
            found[name] = asked
    return found


def _asked(path: Path) -> Iterator[str]:
    if path.suffix != ".py":
        yield from ASKED.findall(path.read_text(encoding="utf-8"))
        return
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Constant(value=str(text)) if text in OF_LAYOUTS:
                yield text
            case ast.Compare(ops=[ast.Eq() | ast.NotEq() | ast.In() | ast.NotIn()]) if any(
                map(_is_layout, (node.left, *node.comparators))
            ):
                yield ast.unparse(node)
            case ast.Match(subject=asked) | ast.Subscript(slice=asked) if _is_layout(asked):
                yield f"by {ast.unparse(asked)}"


def _is(op: ast.cmpop) -> bool:
    return isinstance(op, ast.Is | ast.IsNot)


def _is_layout(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node).split(".")[-1] == "layout"


def _words(path: Path) -> Iterator[str]:
    text = CLASS_STATEMENT.sub("", path.read_text(encoding="utf-8"))
    yield from (word.lower() for word in WORDS.findall(text))
    if path.suffix == ".py":
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.NAME and NAMES.search(token.string) and not WORDS.search(token.string):
                    yield token.string


def _files(*patterns: str) -> list[Path]:
    return sorted(path for package in PACKAGES for pattern in patterns for path in (ROOT / package).rglob(pattern))


def listing() -> Iterator[str]:
    """Returns all of it in lines."""
    yield from (f"circle: {' -> '.join((*circle, circle[0]))}" for circle in cycles())
    yield from (f"{size} modules: {folder}" for folder, size in folder_sizes().most_common(12))
    yield from (f"class {name}: {', '.join(files)}" for name, files in doubled_classes().items())
    for file, words in words_of_classification().items():
        yield f"{file}: {', '.join(f'{word} {count}' for word, count in words.most_common())}"
    for file, asked in questions_of_layouts().items():
        yield f"{file} asks: {', '.join(f'{what} {count}' for what, count in asked.most_common())}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in listing())
