"""What a person wrote is printed as it is, on one line, whatever the width; through the real command."""

import csv
import getpass
import io
import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.main import main
from cli.output.console import say_table
from tasks.core.errors import printable
from tasks.registry.ledger import database
from tasks.registry.ledger.chain import append
from tasks.registry.ledger.history import History

ROOT = Path(__file__).parents[2]
SIGNS = (
    *("[", "]", "/", "[/]", "[/done]", "[bold]", "[red]x[/red]", "[link=http://x]", "\\", "\\[", ":smile:", "{}", "%s"),
    *("<b>", "&amp;", "`", "$HOME", "é", "日本", "…", '"', "'", ",", ";", "a" * 70, "100%", "|", "#"),
)
CONTROL = ("\n", "\r", "\t", "\x1b[31m", "\x07", "\u202e", "\x00")
WIDTHS = (200, 80, 40)
Typed = Callable[..., str]


def words(count: int, signs: tuple[str, ...]) -> list[str]:
    """Texts of one to five signs; the same ones each time."""
    draw = random.Random(7)
    return [" ".join(draw.choices(signs, k=draw.randint(1, 5))) for _ in range(count)]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Typed]:
    """Types a command in a project of its own, in a folder with a name that could be markup; returns what it prints."""
    before = dict(os.environ)
    project = tmp_path / "my proj [v2] [/done]"
    (project / "params").mkdir(parents=True)
    shutil.copyfile(ROOT / "dvc.yaml", project / "dvc.yaml")
    for name in ("STILLHOUSE_HOME", "STILLHOUSE_LEDGER_URI", "MLFLOW_TRACKING_URI", "PREFECT_HOME"):
        os.environ.pop(name, None)
    monkeypatch.chdir(project)

    def run(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["stillhouse", *arguments])
        database.engine.cache_clear()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert (end.value.code or 0) == code, said.out + said.err
        return said.err if code else said.out

    yield run
    database.engine.cache_clear()
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("width", WIDTHS)
def test_reasons_and_names_of_the_ledger_are_printed_as_they_are_on_a_line_each(typed: Typed, width: int) -> None:
    os.environ["COLUMNS"] = str(width)
    typed("status")
    reasons = [*words(150, SIGNS), *words(50, (*SIGNS, *CONTROL))]
    recorded = History.load()
    for reason in reasons:
        recorded = append(recorded, "approved", "a [b]/c", "staging", 1, reason)
    heading, *rows = [line for line in typed("history", "a [b]/c").splitlines() if line.strip(" ─")]
    assert heading.split() == ["time", "environment", "event", "version", "before", "who", "evidence", "reason"]
    assert len(rows) == len(reasons)
    for row, reason in zip(rows, reasons, strict=True):
        assert row.endswith(f" {printable(reason)}".rstrip())
        assert " approved " in row
        assert f" {getpass.getuser()} " in row
    listed = json.loads(typed("history", "a [b]/c", "--json"))
    assert [one["reason"] for one in listed] == reasons
    (place,) = typed("status").splitlines()
    assert place.startswith("a [b]/c staging: nothing passed its gate yet; approved: version 1")


@pytest.mark.parametrize("width", WIDTHS)
def test_classes_columns_and_paths_are_printed_as_they_are_by_init_and_check(typed: Typed, width: int) -> None:
    os.environ["COLUMNS"] = str(width)
    columns = ["speed [m/s]", "[bold]heat[/]", "label"]
    labels = ["[red]bad[/red]", "good [/done] :smile:"]
    draw, text = random.Random(0), io.StringIO()
    rows = [[f"{draw.random():.3f}", f"{draw.random():.3f}", labels[place % 2]] for place in range(60)]
    csv.writer(text).writerows([columns, *rows])
    Path("rows [1].csv").write_text(text.getvalue())
    said = typed("init", "own", "--table", "rows [1].csv", "--label", "label")
    assert f"  - {Path.cwd() / 'params/own.yaml'}\n" in said
    assert "speed [m/s]" in said
    assert "[bold]heat[/]" in said
    assert "…" not in said
    assert typed("check", str(Path.cwd() / "params/own.yaml")) == f"{Path.cwd() / 'params/own.yaml'}: valid\n"
    gone = typed("check", "params/[/no]such [bold].yaml", code=2)
    assert gone.startswith("stillhouse: `params/[/no]such [bold].yaml`: expected a recipe, got no such file")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_table_has_a_line_per_row_with_all_its_columns(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    cells = words(60, (*SIGNS, *CONTROL))
    rows = [tuple(cells[place : place + 6]) for place in range(0, 60, 6)]
    say_table(("a [x]", "b", "c", "d", "e", "f"), rows, "title [/]", numbers=True, strong=3)
    title, heading, *printed = [line for line in capsys.readouterr().out.splitlines() if line.strip(" ─")]
    assert title == "title [/]"
    assert heading.split() == ["a", "[x]", "b", "c", "d", "e", "f"]
    for line, row in zip(printed, rows, strict=True):
        place = 0
        for cell in row:
            place = line.index(printable(cell), place) + len(printable(cell))
