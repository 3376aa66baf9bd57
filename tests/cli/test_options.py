"""Recipes by their bare name, and what a shell completes."""

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.main import app


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "params").mkdir()
    (tmp_path / "dvc.yaml").touch()
    for name in ("digits", "dogs", "vowels"):
        (tmp_path / f"params/{name}.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parsed(command: str, *arguments: str) -> dict[str, Any]:
    group: Any = get_command(app)
    found: dict[str, Any] = group.get_command(None, command).make_context(command, [*arguments]).params
    return found


def test_a_bare_name_is_a_recipe_in_params(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed("run", "digits")["recipe"] == Path("params/digits.yaml")
    assert parsed("check", "params/digits.yaml")["recipe"] == Path("params/digits.yaml")
    monkeypatch.chdir(project / "params")
    assert parsed("sweep", "dogs")["recipe"] == Path("dogs.yaml")


def test_a_shell_completes_commands_recipes_and_models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def completed(typed: str) -> list[str]:
        for name, value in {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("_STILLHOUSE_COMPLETE", "complete_bash")
        with pytest.raises(SystemExit):
            app(prog_name="stillhouse")
        return [line.strip() for line in capsys.readouterr().out.split()]

    assert completed("stillhouse rep") == ["report"]
    assert completed("stillhouse run d") == ["digits", "dogs"]
    assert completed("stillhouse history v") == ["vowels"]
