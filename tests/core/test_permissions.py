"""State is closed to others, and what is a person's own is as it would be without us."""

import grp
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.core.errors import InputError
from tasks.core.files import whole_file
from tasks.core.workspace import GROUP, USUAL, make_private, usual_permissions
from tasks.registry.channel import atomic_write


@pytest.fixture(autouse=True)
def a_person(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A person of whose files others may read some; their umask is put back."""
    for name in (GROUP, USUAL):
        monkeypatch.delenv(name, raising=False)
    before = os.umask(0o027)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_state_is_for_its_owner_alone_also_where_it_was_not_before(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    for _ in range(2):
        make_private(state)
        (state / "a.db").touch()
        (state / "folder").mkdir(exist_ok=True)
        assert [mode(path) for path in (state, state / "a.db", state / "folder")] == [0o700, 0o600, 0o700]


def test_what_is_a_persons_own_is_as_it_would_be_without_us(tmp_path: Path) -> None:
    make_private(tmp_path / "state")
    make_private(tmp_path / "state")
    with usual_permissions():
        (tmp_path / "own").touch()
    atomic_write.write(tmp_path / "served" / "root.json", b"{}")
    assert [mode(tmp_path / name) for name in ("own", "served", "served/root.json")] == [0o640, 0o750, 0o640]
    (tmp_path / "state/later").touch()
    assert mode(tmp_path / "state/later") == 0o600


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "dvc.yaml"
    path.touch()
    path.chmod(0o644)
    make_private(tmp_path / "state")
    with whole_file(path) as temporary:
        temporary.write_text("new")
    assert (mode(path), path.read_text()) == (0o644, "new")


def test_a_group_that_is_named_reads_and_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GROUP, grp.getgrgid(os.getgid()).gr_name)
    make_private(tmp_path / "state")
    (tmp_path / "state/a.db").touch()
    assert [mode(tmp_path / name) for name in ("state", "state/a.db")] == [0o2770, 0o660]
    assert (tmp_path / "state/a.db").stat().st_gid == os.getgid()


def test_a_group_that_is_not_there_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GROUP, "no-such-group")
    with pytest.raises(InputError, match=r"`STILLHOUSE_GROUP`.*no-such-group"):
        make_private(tmp_path / "state")


def test_postgresql_may_pass_through_and_read_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o711)
    make_private(state)
    assert mode(state) == 0o711
