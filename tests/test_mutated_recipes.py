"""Mutated recipes through `stillhouse check` as it is typed: each is valid, or refused in words."""

import io
import random
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cli import main as cli
from cli.output import console
from tasks.core.yaml_reader import read_document
from tests.mutations import by_bytes, by_schema

REPOSITORY = Path(__file__).parents[1]
RECIPES = ("digits", "fashion", "solar", "vowels")
BY_SCHEMA, BY_BYTES = 700, 300
ALL = BY_SCHEMA + BY_BYTES
PROBLEM = re.compile(r"(stillhouse: )?`[^`]+`: .*expected .+, got .+; .+")


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def is_clear(self) -> bool:
        """Valid and said so; or exit code 2 and each line one whole problem, with nothing else beside it."""
        if self.code == 0:
            return self.out.splitlines()[-1].endswith(": valid") and not self.err
        lines = self.err.splitlines()
        return self.code == 2 and bool(lines) and len(self.err) < 40_000 and all(map(_is_problem, lines))


def _is_problem(line: str) -> bool:
    return line.isprintable() and PROBLEM.fullmatch(line) is not None


@cache
def base(name: str) -> tuple[bytes, dict[str, Any]]:
    """A recipe of the repository as bytes and as values."""
    path = REPOSITORY / "params" / f"{name}.yaml"
    return path.read_bytes(), read_document(path).value


def mutant(number: int) -> tuple[str, bytes]:
    """The name and the text of a mutated recipe; the same number gives the same one."""
    name, draw = RECIPES[number % len(RECIPES)], random.Random(number)
    text, value = base(name)
    return name, by_schema(value, draw) if number < BY_SCHEMA else by_bytes(text, draw)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with room for recipes."""
    (tmp_path / "params").mkdir()
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(path: Path, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """What `stillhouse check` says and how it ends, in this process."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "argv", ["stillhouse", "check", str(path)])
    monkeypatch.setattr(console.console, "_file", out)
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        cli.main()
    return Answer(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_mutated_recipes_are_each_valid_or_refused_in_words(
    step: int, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: Counter[int] = Counter()
    unclear = {}
    for number in range(0, ALL, step):
        name, text = mutant(number)
        path = project / "params" / f"{name}.yaml"
        path.write_bytes(text)
        answer = checked(path, monkeypatch)
        codes[answer.code] += 1
        if not answer.is_clear:
            unclear[number] = answer
    assert not unclear, f"{len(unclear)}: {[*unclear.items()][:5]}"
    assert codes[2] > 500 / step
    assert codes[0] > 100 / step


@pytest.mark.parametrize("step", [200, pytest.param(42, marks=pytest.mark.slow)])
def test_some_of_them_end_so_as_a_command_too(step: int, project: Path) -> None:
    def ended(number: int) -> Answer:
        name, text = mutant(number)
        path = project / f"{number}" / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_bytes(text)
        (path.parents[1] / "dvc.yaml").touch()
        command = [sys.executable, "-m", "cli.main", "check", str(path)]
        done = subprocess.run(
            command,
            cwd=path.parents[1],
            env={"PYTHONPATH": str(REPOSITORY), "COLUMNS": "80"},
            capture_output=True,
            text=True,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    with ThreadPoolExecutor(2) as pool:
        answers = [*pool.map(ended, range(0, ALL, step))]
    assert [answer for answer in answers if not answer.is_clear] == []
    assert {0, 2} >= {answer.code for answer in answers} >= {2}
