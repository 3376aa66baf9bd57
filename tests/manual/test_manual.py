"""README and manual: blocks are valid, commands are there, links lead somewhere, the reference is the code's."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import TypeAdapter

from cli.main import app
from manual.llms import llms
from manual.reference import FOLDER, VARIABLES, pages
from params.pipeline import Recipe
from tasks.core.yaml_reader import read_document
from tasks.runtime.cli import _parser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)")

EXAMPLES = {"OBJECTIVE", "ARCHITECTURE", "PASS", "read"}
"""what the pages on extending include from files that work"""


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in dict.fromkeys(PAGES):
        for number, (found, text) in enumerate(FENCE.findall(page.read_text(encoding="utf-8"))):
            if found == language:
                yield f"{page.relative_to(ROOT)}:{number}", text


def commands(program: str) -> list[str]:
    """Every line of a block that begins with a program; examples of output do not."""
    lines = [line for _, text in blocks("") for line in text.splitlines()]
    parts = [part.strip() for line in lines for part in re.split(r"&&|#", line)]
    return sorted({part.removeprefix(".venv/bin/") for part in parts if re.match(rf"(\.venv/bin/)?{program} ", part)})


YAML = dict(blocks("yaml"))


@pytest.mark.parametrize("place", YAML)
def test_the_sections_of_a_recipe_that_are_shown_are_valid(place: str, tmp_path: Path) -> None:
    path = tmp_path / "shown.yaml"
    path.write_text(YAML[place], encoding="utf-8")
    sections = read_document(path).value
    assert sections
    for name, value in sections.items():
        section: TypeAdapter[object] = TypeAdapter(Recipe.model_fields[name].rebuild_annotation())
        section.validate_python(value)


@pytest.mark.parametrize("line", commands("stillhouse"))
def test_the_commands_that_are_shown_are_there_with_their_options(line: str) -> None:
    _, *arguments = shlex.split(line)
    command, context = typer.main.get_command(app), None
    while arguments:
        context = command.make_context(arguments[0], arguments, parent=context)
        if not hasattr(command, "commands") and not hasattr(command, "list_commands"):
            return
        name, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])  # type: ignore[attr-defined]
        assert command is not None, name
    command.make_context("end", [], parent=context)


@pytest.mark.parametrize("line", commands("stillhouse-edge"))
def test_the_commands_of_a_device_that_are_shown_are_there_with_their_options(line: str) -> None:
    _parser().parse_args(shlex.split(line)[1:])


def test_every_link_leads_to_a_file() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in dict.fromkeys(PAGES)
        for target in LINK.findall(re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL))
        if not target.startswith(("http://", "https://")) and not (page.parent / target).exists()
    ]
    assert dead == []


def test_the_reference_is_what_the_code_says() -> None:
    stale = [name for name, text in pages().items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run `python -m manual`"


def test_every_field_of_a_recipe_has_a_meaning_in_the_reference() -> None:
    page = pages()["recipe.md"]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) > 500
    assert {len(row) for row in rows} == {4}
    assert [row[0] for row in rows if not row[3].strip() and row[0].strip() != "`kind`"] == []


def test_the_list_for_programs_has_every_page_of_the_manual_and_no_other() -> None:
    linked = LINK.findall((ROOT / "docs" / "llms.txt").read_text(encoding="utf-8"))
    assert linked == LINK.findall(llms()), "run `python -m manual`"
    assert len(linked) == len({*linked})
    pages_of_links = [ROOT / "docs" / f"{target.removesuffix('.html')}.md" for target in linked]
    assert [page for page in pages_of_links if not page.is_file()] == []


def test_every_variable_of_ours_is_in_the_reference() -> None:
    code = [path for folder in ("cli", "flows", "infra", "tasks") for path in (ROOT / folder).rglob("*.py")]
    named = {name for path in code for name in re.findall(r'"(STILLHOUSE_[A-Z_]+)"', path.read_text(encoding="utf-8"))}
    assert named - VARIABLES.keys() <= {"STILLHOUSE_MESSAGE_FILE"}  # between two processes of one command


def test_no_table_of_a_benchmark_is_empty() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert re.findall(r"<!-- ([\w-]+) -->\s*<!-- /\1 -->", text) == []
    assert "<!-- bench-digits -->" in text


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    targets = LINK.findall((ROOT / "dist/docs/llms.txt").read_text(encoding="utf-8"))
    assert [target for target in targets if not (ROOT / "dist/docs" / target).is_file()] == []
    shown = "".join(re.sub(r"<[^>]+>", "", page.read_text()) for page in (ROOT / "dist/docs/extending").glob("*.html"))
    assert not re.search(r"--\s?8\s?(?:<|&lt;)", shown)
    assert {name for name in EXAMPLES if f"{name} = " in shown or f"def {name}(" in shown} == EXAMPLES
