import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import LengthOrHashMismatchError, UnsignedMetadataError
from tuf.api.metadata import Metadata

from tasks.core.errors import InputError, IntegrityError
from tasks.core.files import local_path
from tasks.registry.channel.creation import create
from tasks.registry.channel.inspection import inspect
from tasks.registry.channel.keys import online_signer, root_signers
from tasks.registry.channel.paths import channels, keys_dir, keys_root, metadata_dir, served_root
from tasks.registry.channel.publication import publish
from tasks.registry.channel.roots import anchor, current_root, keep_root, sign_root
from tasks.registry.channel.rotation import refresh, rotate
from tasks.registry.channel.settings import ONLINE, Days, Online, Role
from tasks.registry.ledger.history import History
from tests.registry.made_channel import Device, bundle, lead, make_release, tree

ROOT_KEYS = "root-keys"


@pytest.fixture
def root_keys(home: Path) -> Path:
    return home.parent / ROOT_KEYS


def make_channel(root_keys: Path, keys: int = 1, threshold: int = 1, **days: int) -> tuple[Path, ...]:
    return create("edge", root_keys, keys, threshold, Days(**days))


def keyids(role: str) -> list[str]:
    return list(current_root("edge").signed.roles[role].keyids)


def test_private_keys_are_files_for_their_owner_alone_outside_of_what_is_served(root_keys: Path) -> None:
    made = make_channel(root_keys, keys=2)
    private = [path for path in root_keys.parent.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert set(private) == {*made, *keys_dir("edge").glob("*.pem")}
    assert len(private) == 2 + 3
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
    assert {path.parent.stat().st_mode & 0o077 for path in private} == {0}
    assert not any(path.is_relative_to(served_root()) for path in private)


def test_a_key_that_others_may_read_is_said(root_keys: Path) -> None:
    make_channel(root_keys)
    (path,) = keys_dir("edge").glob("targets-*.pem")
    path.chmod(0o640)
    assert tuple(inspect("edge", History.load())) == (
        f"`{path}`: expected a key that its owner alone may read, got mode 640; chmod 600 {path}",
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "channel.json",
            '{"days": {"root": "soon"}}',
            "channel.json`: `days.root`: expected the settings of a channel",
        ),
        ("roots/1.root.json", "{}", "roots`: expected the roots, got 1.root.json"),
        ("roots/1.root.json", None, "roots`: expected the roots, got none"),
    ],
)
def test_what_is_damaged_beside_the_keys_is_one_message(
    root_keys: Path, name: str, content: str | None, said: str
) -> None:
    make_channel(root_keys)
    path = keys_dir("edge") / name
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(IntegrityError) as error:
        publish("edge")
    assert said in str(error.value)


def test_each_role_has_keys_of_its_own_and_the_time_that_was_asked_for(root_keys: Path) -> None:
    make_channel(root_keys, keys=3, threshold=2, root=700)
    root = current_root("edge").signed
    numbers = {role: (len(named.keyids), named.threshold) for role, named in root.roles.items()}
    assert numbers == {"root": (3, 2), "targets": (1, 1), "snapshot": (1, 1), "timestamp": (1, 1)}
    assert len(root.keys) == 6
    assert root.consistent_snapshot
    assert timedelta(days=699) < root.expires - datetime.now(UTC) < timedelta(days=701)


@pytest.mark.parametrize("role", ONLINE)
def test_a_rotated_online_key_is_revoked_and_devices_go_on(
    root_keys: Path, home: Path, device: Device, role: Online
) -> None:
    release = make_release(home, "digits", 1)
    lead(release)
    make_channel(root_keys)
    device.update()
    old = online_signer("edge", role, current_root("edge").signed)
    assert rotate("edge", role, root_keys) == ()
    assert current_root("edge").signed.version == 2
    assert old.public_key.keyid not in current_root("edge").signed.keys
    assert not list(keys_dir("edge").glob(f"{role}-{old.public_key.keyid[:16]}*"))
    assert device.update() == bundle(release)
    assert tuple(inspect("edge", History.load())) == ()
    _sign_with(old, role)
    with pytest.raises((UnsignedMetadataError, LengthOrHashMismatchError)):
        Device(home / "new-device", device.address).update()


def _sign_with(signer: CryptoSigner, role: Online) -> None:
    """Signs what a role says with a key alone."""
    name = f"*{role}.json"
    path = max(metadata_dir("edge").glob(name), key=lambda path: path.stat().st_mtime_ns)
    metadata: Metadata[Any] = Metadata.from_file(str(path))
    metadata.sign(signer)
    with pytest.raises(UnsignedMetadataError):
        current_root("edge").signed.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    metadata.to_file(str(path))


def test_new_root_keys_are_signed_for_by_the_old_ones_and_replace_them(root_keys: Path, device: Device) -> None:
    old = make_channel(root_keys, keys=3, threshold=2)
    first, before = anchor("edge"), keyids("root")
    device.update()
    old[0].unlink()
    made = rotate("edge", "root", root_keys)
    assert len(made) == 3
    assert not {*keyids("root")} & {*before}
    assert anchor("edge") == first
    assert device.update() == {}
    for path in old[1:]:
        path.unlink()
    rotate("edge", "timestamp", root_keys)
    assert device.update() == {}
    assert current_root("edge").signed.version == 3


def test_a_rotation_wants_as_many_root_keys_as_the_threshold(root_keys: Path) -> None:
    made = make_channel(root_keys, keys=3, threshold=2)
    for path in made[1:]:
        path.rename(root_keys.parent / path.name)
    before = tree(root_keys, served_root(), keys_root())
    roles: tuple[Role, ...] = ("root", "timestamp")
    for role in roles:
        with pytest.raises(InputError, match=r"`--root-keys`: expected at least 2 of edge-root-.*, got 1"):
            rotate("edge", role, root_keys)
    assert tree(root_keys, served_root(), keys_root()) == before


def test_root_keys_of_another_channel_do_not_count(root_keys: Path) -> None:
    (mine,) = make_channel(root_keys)
    (other,) = create("staging", root_keys.parent / "others", 1, 1, Days())
    shutil.copy(other, root_keys / mine.name)
    with pytest.raises(InputError, match="got none"):
        rotate("edge", "timestamp", root_keys)


def test_root_keys_open_with_the_passphrase_they_were_made_with_and_no_message_tells_one(
    root_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLHOUSE_ROOT_PASSPHRASE", "correct horse")
    (path,) = make_channel(root_keys)
    assert b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    assert len(root_signers("edge", root_keys, current_root("edge").signed)) == 1
    for wrong in ("battery staple", ""):
        monkeypatch.setenv("STILLHOUSE_ROOT_PASSPHRASE", wrong)
        before = tree(root_keys, served_root(), keys_root())
        with pytest.raises(InputError, match="STILLHOUSE_ROOT_PASSPHRASE") as error:
            rotate("edge", "snapshot", root_keys)
        assert path.name in str(error.value)
        assert not {"battery", "horse"} & {*str(error.value).split()}
        assert tree(root_keys, served_root(), keys_root()) == before


def test_a_lost_online_key_stops_publications_until_it_is_rotated(root_keys: Path, home: Path, device: Device) -> None:
    make_channel(root_keys)
    (path,) = keys_dir("edge").glob("snapshot-*.pem")
    path.unlink()
    release = make_release(home, "digits", 1)
    lead(release)
    with pytest.raises(InputError, match="stillhouse channel rotate edge --role snapshot --root-keys DIR"):
        publish("edge")
    assert device.update() == {}
    rotate("edge", "snapshot", root_keys)
    assert device.update() == bundle(release)


def test_a_root_near_its_expiry_is_signed_anew_where_its_keys_are_at_hand(root_keys: Path, device: Device) -> None:
    make_channel(root_keys, root=2)
    device.update()
    _age_root(root_keys)
    (line,) = inspect("edge", History.load())
    assert line.endswith("stillhouse channel refresh edge --root-keys DIR")
    assert refresh("edge", None) == ()
    assert refresh("edge", root_keys) == ("root",)
    assert refresh("edge", root_keys) == ()
    assert current_root("edge").signed.version == 3
    assert device.update() == {}
    assert tuple(inspect("edge", History.load())) == ()


def _age_root(root_keys: Path) -> None:
    """Adds a root that is good for an hour."""
    before, root = (current_root("edge").signed for _ in range(2))
    root.version, root.expires = 2, datetime.now(UTC) + timedelta(hours=1)
    keep_root("edge", sign_root(root, before, root_signers("edge", root_keys, before)))


def _twice(root_keys: Path, home: Path) -> None:
    make_channel(root_keys)


def _without_keys(root_keys: Path, home: Path) -> None:
    make_channel(root_keys)
    shutil.rmtree(keys_root())


def _with_a_file(root_keys: Path, home: Path) -> None:
    root_keys.write_text("not a folder")


def _nothing(root_keys: Path, home: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("before", "keys", "threshold", "said"),
    [
        (_twice, 1, 1, "expected no channel, got one that is there"),
        (_without_keys, 1, 1, "expected no channel, got one whose keys are not here"),
        (_with_a_file, 1, 1, "expected a folder, got a file"),
        (_nothing, 2, 3, "`--threshold`: expected 1 to 2, the number of keys, got 3"),
    ],
)
def test_a_channel_that_cannot_be_made_leaves_nothing_behind(
    root_keys: Path, home: Path, before: Callable[[Path, Path], None], keys: int, threshold: int, said: str
) -> None:
    before(root_keys, home)
    there = tree(home.parent)
    with pytest.raises(InputError) as error:
        make_channel(root_keys, keys, threshold)
    assert said in str(error.value)
    assert {path: content for path, content in tree(home.parent).items() if path.suffix != ".lock"} == {
        path: content for path, content in there.items() if path.suffix != ".lock"
    }


def test_keys_are_not_made_where_they_would_be_served(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="expected a folder that is not served"):
        make_channel(served_root() / "edge/keys")
    monkeypatch.setenv("STILLHOUSE_CHANNEL_KEYS", str(served_root() / "keys"))
    with pytest.raises(InputError, match="STILLHOUSE_CHANNEL_KEYS"):
        make_channel(home.parent / ROOT_KEYS)
    assert not (home.parent / ROOT_KEYS).exists()
    assert not served_root().exists()


def test_a_channel_is_not_begun_with_a_champion_that_cannot_be_published(root_keys: Path, home: Path) -> None:
    release = make_release(home, "digits", 1)
    lead(release)
    path = local_path(release.bundle[0].uri)
    assert path is not None
    path.unlink()
    with pytest.raises(IntegrityError, match=r"manifest\.json`: expected sha256"):
        make_channel(root_keys)
    assert not channels()
    assert not root_keys.exists()
    assert not served_root().exists()
