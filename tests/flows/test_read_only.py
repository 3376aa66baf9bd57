"""A checkout, or a state folder, that may only be read: one message that says what to do, from every command."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import make_project
from tests.flows.tiny import write_tiny

COMMANDS = (
    ("run", "params/tiny.yaml"),
    ("sweep", "params/digits.yaml"),
    ("promote", "tiny", "--to", "staging"),
    ("approve", "tiny", "--to", "edge"),
    ("rollback", "tiny", "--from", "staging"),
    ("history", "tiny"),
    ("status",),
    ("audit",),
    ("reconcile",),
    ("doctor",),
    ("gc",),
    ("lineage",),
    ("ui", "--no-browser"),
    ("channel", "init", "staging", "--root-keys", "keys"),
    ("channel", "status"),
)
"""every command that writes to the state folder, or would make it"""
DO = "set `STILLHOUSE_HOME` to a folder of your own, or work in a clone of your own"


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone on a mount that may only be read: root is stopped by nothing less."""
    folder = tmp_path_factory.mktemp("read-only")
    project, mount = make_project(folder).root, folder / "mount"
    write_tiny(project, "tiny")
    mount.mkdir()
    if subprocess.run(["mount", "--bind", project, mount], capture_output=True, check=False).returncode:
        pytest.skip("a mount that may only be read needs the right to mount")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", mount], check=True)
        yield mount
    finally:
        subprocess.run(["umount", mount], check=True)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_checkout_that_may_only_be_read_is_one_message(
    typed: Any, read_only: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(read_only)
    said = typed(*command)
    wrong = f"`{read_only}/.stillhouse`: expected a place that can be written to, got Read-only file system; {DO}"
    assert (said.code, said.out, said.err) == (2, "", f"stillhouse: {wrong}\n")


def test_a_recipe_that_cannot_be_written_is_one_message(
    typed: Any, read_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(read_only)
    said = typed("init", "own", "--table", "rows.csv")
    assert said.code == 2
    assert "expected a place that can be written to, got Read-only file system; work in a clone of your own" in said.err
    assert typed("check", "params/tiny.yaml").code == 0


def test_state_elsewhere_does_not_help_a_run_whose_data_would_lie_in_the_checkout(
    typed: Any, read_only: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(read_only)
    os.environ["STILLHOUSE_HOME"] = str(tmp_path / "home")
    said = typed("run", "params/tiny.yaml")
    assert said.code == 2
    assert f"`{read_only}`: expected a place that can be written to, got one that may only be read" in said.err
    assert said.err.endswith("; work in a clone of your own\n")
    assert typed("status").code == 0


@pytest.mark.parametrize(
    ("home", "got"), [("rows.csv", "File exists"), ("rows.csv/x", "Not a directory"), ("/proc/x", "No such file")]
)
def test_a_state_folder_that_cannot_be_made_is_one_message(
    typed: Any, fresh: Any, tmp_path: Path, home: str, got: str
) -> None:
    (tmp_path / "rows.csv").touch()
    had_state = (fresh.root / ".stillhouse").exists()
    os.environ["STILLHOUSE_HOME"] = str(tmp_path / home)
    said = typed("status")
    assert said.code == 2
    assert f"expected a place that can be written to, got {got}" in said.err
    assert said.err.endswith(f"; {DO}\n")
    assert (fresh.root / ".stillhouse").exists() == had_state
