import fcntl
from pathlib import Path

import pytest

from tasks.runtime.device import Device
from tasks.runtime.errors import LockedError, SettingsError
from tasks.runtime.update.home import Home
from tasks.runtime.update.settings import Settings
from tasks.runtime.update.status import read_status
from tests.runtime.tuf_world import URL, World


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "`device.json`: expected JSON"),
        ("[]", "`device.json`: `the whole`: expected an object"),
        ('{"channel": "http://x/", "model": "tiny"}', "`p95_ms`: expected a value, got none"),
        ('{"channel": "ftp://x/", "model": "tiny", "p95_ms": null}', "`channel`: expected an http or https address"),
        ('{"channel": "http://x/", "model": "../tiny", "p95_ms": null}', "`model`: expected the plain name"),
        ('{"channel": "http://x/", "model": "tiny", "p95_ms": 0}', "`p95_ms`: expected milliseconds above 0"),
        ('{"channel": "http://x/", "model": "tiny", "p95_ms": null, "x": 1}', "`x`: expected no such field"),
    ],
)
def test_broken_settings_give_one_clear_message(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "device.json").write_text(content)
    with pytest.raises(SettingsError, match=r"device\.json") as refusal:
        Device(tmp_path).update()
    assert expected in str(refusal.value)


def test_broken_notes_give_one_clear_message(device: Device) -> None:
    slot = device.home.slot()
    (device.home.slots / f"{slot}.json").write_text('{"release": 1}')
    with pytest.raises(SettingsError, match=r"`release`: expected a text, got 1; remove it and run"):
        device.predictor()
    device.home.current.unlink()
    device.home.current.symlink_to("/etc")
    with pytest.raises(SettingsError, match=r"expected a link to slots/a or slots/b, got /etc"):
        read_status(device.home)


def test_set_up_trusts_only_the_root_that_it_was_given(tmp_path: Path, world: World) -> None:
    (tmp_path / "root.json").write_bytes(world.anchor)
    device, settings = Device(tmp_path / "home"), Settings(URL, "tiny")
    with pytest.raises(SettingsError, match="expected sha256 00"):
        device.set_up(settings, tmp_path / "root.json", "00" * 32)
    with pytest.raises(SettingsError, match="no such file"):
        device.set_up(settings, tmp_path / "none.json")
    (tmp_path / "forged.json").write_bytes(world.anchor.replace(b"consistent_snapshot", b"consistent_snapshut"))
    with pytest.raises(SettingsError, match="root metadata signed by itself"):
        device.set_up(settings, tmp_path / "forged.json")
    assert not (tmp_path / "home").exists()
    device.set_up(settings, tmp_path / "root.json")
    with pytest.raises(SettingsError, match="expected a new home"):
        device.set_up(settings, tmp_path / "root.json")


@pytest.mark.parametrize(("before", "after"), [(None, 0o700), (0o750, 0o750)])
def test_a_new_home_is_closed_to_other_users_and_a_given_one_stays_as_it_is(
    tmp_path: Path, world: World, before: int | None, after: int
) -> None:
    home, root = tmp_path / "var" / "home", tmp_path / "root.json"
    root.write_bytes(world.anchor)
    if before:
        home.mkdir(parents=True)
        home.chmod(before)
    Device(home).set_up(Settings(URL, "tiny"), root)
    assert home.stat().st_mode & 0o777 == after


def test_home_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STILLHOUSE_EDGE_HOME", str(tmp_path / "there"))
    assert Device().home.path == tmp_path / "there"
    monkeypatch.delenv("STILLHOUSE_EDGE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Device().home.path == tmp_path / ".stillhouse-edge"


def test_slot_is_named_by_the_link_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.slot() is None
    home.current.symlink_to("slots/b")
    assert (home.slot(), home.free_slot()) == ("b", "a")


def test_two_updates_do_not_meet(device: Device) -> None:
    with (device.home.path / "lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(LockedError, match="another update"):
            device.update()
        with pytest.raises(LockedError):
            device.roll_back()
