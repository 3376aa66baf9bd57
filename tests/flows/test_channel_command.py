import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.main import main
from tasks.registry.ledger import database
from tests.registry.made_channel import lead, make_release

Answer = tuple[int, str, str]
"""the exit code, what was printed, and what went wrong"""
Stillhouse = Callable[..., Answer]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder with a new ledger; what the commands set in the environment is taken back."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("STILLHOUSE_")]:
        del os.environ[name]
    os.environ["STILLHOUSE_HOME"] = str(tmp_path / "state")
    monkeypatch.chdir(tmp_path)
    database.engine.cache_clear()
    yield tmp_path / "state"
    database.engine.cache_clear()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def stillhouse(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Stillhouse:
    """Runs the command in this process."""

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["stillhouse", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return run


def test_a_channel_is_made_shown_and_kept_by_its_commands(state: Path, stillhouse: Stillhouse) -> None:
    assert stillhouse("channel", "status")[1] == stillhouse("channel", "refresh")[1]
    lead(make_release(state, "digits", 3))
    code, made, _ = stillhouse("channel", "init", "edge", "--root-keys", "keys", "--keys", "2", "--threshold", "2")
    anchor = hashlib.sha256((state / "channel/edge/metadata/1.root.json").read_bytes()).hexdigest()
    assert (code, f"state/channel/edge/metadata/1.root.json, sha256 {anchor}" in made) == (0, True)
    assert "channel edge: digits version 3 (state/channel/edge)" in made
    assert all(str(path) in made for path in Path("keys").iterdir())
    assert "take the root keys offline" in made
    shown = stillhouse("channel", "status")[1]
    assert anchor in shown
    assert "root      version 1    2 of 2 keys, good until" in shown
    assert "EXPIRED" not in shown
    assert "edge: nothing is near its expiry; nothing to do" in stillhouse("channel", "refresh", "edge")[1]
    assert (
        "rotated targets of edge"
        in stillhouse("channel", "rotate", "edge", "--role", "targets", "--root-keys", "keys")[1]
    )
    assert "root      version 2" in stillhouse("channel", "status")[1]


def test_a_root_near_its_expiry_asks_for_its_keys(stillhouse: Stillhouse, state: Path) -> None:
    stillhouse("channel", "init", "edge", "--root-keys", "keys", "--root-days", "3")
    settings = state / "keys/edge/channel.json"
    settings.write_text(settings.read_text().replace('"root": 3', '"root": 365'))
    code, said, _ = stillhouse("channel", "refresh")
    assert (code, "edge: nothing is near its expiry" in said) == (0, True)
    assert "stillhouse channel refresh edge --root-keys DIR" in said
    assert "edge: signed root" in stillhouse("channel", "refresh", "edge", "--root-keys", "keys")[1]
    assert "warning" not in stillhouse("channel", "refresh")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("init", "moon", "--root-keys", "new"), "`ENVIRONMENT`: expected staging or edge, got moon"),
        (("init", "edge", "--root-keys", "new"), "expected no channel, got one that is there"),
        (("init", "staging", "--root-keys", "new", "--keys", "2", "--threshold", "3"), "expected 1 to 2"),
        (("init", "staging", "--root-keys", "state/channel"), "expected a folder that is not served"),
        (("init", "staging"), "Missing option '--root-keys'"),
        (("rotate", "edge", "--role", "mirror", "--root-keys", "keys"), "'mirror' is not one of"),
        (("rotate", "edge", "--role", "root", "--root-keys", "new"), "expected at least 1 of edge-root-"),
        (("rotate", "staging", "--role", "root", "--root-keys", "keys"), "stillhouse channel init staging"),
        (("refresh", "staging"), "stillhouse channel init staging"),
    ],
)
def test_bad_input_is_one_message_with_exit_2_and_nothing_is_made(
    stillhouse: Stillhouse, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    stillhouse("channel", "init", "edge", "--root-keys", "keys")
    before = sorted(tmp_path.rglob("*"))
    code, _, wrong = stillhouse("channel", *arguments)
    assert (code, said in wrong) == (2, True)
    assert "Traceback" not in wrong
    assert sorted(tmp_path.rglob("*")) == before
