"""Only `cli/` prints: all else tells by events and by what it returns."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROCESSES_OF_THEIR_OWN = {
    "infra/convert_faceres.py": "a script that is run once, by itself",
    "infra/install.py": "runs before anything is installed, and shows how far it is",
    "infra/services/run.py": "the process of a service that could not begin",
    "tasks/data/__main__.py": "the process that DVC starts for a stage",
    "tasks/data/fetch.py": "the same process: the licence goes to DVC's log",
    "tasks/runtime/bundle/footprint.py": "a process that is measured, and answers in JSON",
    "tasks/runtime/cli.py": "the command of a device, which has no other",
    "tasks/runtime/gallery/commands.py": "the same: the commands that enrol and recognise",
    "tasks/runtime/terminal.py": "the same: what all of its commands print through",
    "tasks/training/distributed/worker.py": "one process of several, which tells the first by lines",
}
"""file -> why it writes to its own streams"""


def test_only_cli_prints() -> None:
    printing = {
        str(path.relative_to(ROOT)): found
        for package in ("flows", "infra", "params", "tasks")
        for path in sorted((ROOT / package).rglob("*.py"))
        if (found := [*prints(ast.parse(path.read_text()))])
    }
    assert printing.keys() == PROCESSES_OF_THEIR_OWN.keys(), printing


def test_within_cli_one_module_prints_and_nothing_is_markup() -> None:
    """A person's words are never markup, because no words are: styles are given beside a text, not inside it."""
    drawing = {
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "cli").rglob("*.py"))
        if any(draws(node) for node in ast.walk(ast.parse(path.read_text())))
    }
    assert drawing == {"cli/main.py", "cli/output/console.py", "cli/output/stages.py"}
    console = (ROOT / "cli/output/console.py").read_text()
    assert "Console(highlight=False, markup=False, emoji=False)" in console
    assert (ROOT / "cli/output/stages.py").read_text().count("TextColumn(field, markup=False)") == 1


def draws(node: ast.AST) -> bool:
    """Says whether a node reaches a terminal by another way than `say`: rich, a stream, a console's own method."""
    match node:
        case ast.Import(names):
            return any(one.name.partition(".")[0] == "rich" for one in names)
        case ast.ImportFrom(module=str(module), level=0):
            return module.partition(".")[0] == "rich"
        case ast.Attribute(ast.Name("sys"), "stdout" | "stderr") | ast.Call(func=ast.Name("print")):
            return True
        case ast.Attribute(_, "echo" | "secho" | "from_markup"):
            return True
    return False


def prints(tree: ast.Module) -> Iterator[str]:
    """Yields each call of `print`, each use of a stream of the process, and each import of what draws on terminals."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name("print")):
                yield "print"
            case ast.Attribute(ast.Name("sys"), "stdout" | "stderr" as stream):
                yield f"sys.{stream}"
            case ast.Import(names) if any(is_of_terminals(one.name) for one in names):
                yield "import"
            case ast.ImportFrom(module=str(module), level=0) if is_of_terminals(module):
                yield f"from {module}"


def is_of_terminals(module: str) -> bool:
    return module.partition(".")[0] in ("cli", "rich", "typer")


def test_a_print_a_stream_and_a_console_would_be_found() -> None:
    written = "import rich.table\nfrom cli.output.console import console\nprint(1)\nsys.stderr.write('2')\n"
    assert [*prints(ast.parse(written))] == ["import", "from cli.output.console", "print", "sys.stderr"]
