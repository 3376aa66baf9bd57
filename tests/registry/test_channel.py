import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tuf.api.exceptions import ExpiredMetadataError
from tuf.api.metadata import Metadata, Timestamp

from tasks.core.errors import IntegrityError
from tasks.core.files import local_path
from tasks.registry.channel.creation import create
from tasks.registry.channel.inspection import inspect
from tasks.registry.channel.keys import online_signer
from tasks.registry.channel.paths import keys_root, metadata_dir, served_root, targets_dir
from tasks.registry.channel.publication import publish
from tasks.registry.channel.roots import current_root
from tasks.registry.channel.rotation import refresh
from tasks.registry.channel.settings import ONLINE, Days
from tasks.registry.ledger.chain import append
from tasks.registry.ledger.history import History
from tests.registry.made_channel import Device, bundle, lead, make_release, passed, tree


def make_channel(home: Path, environment: str = "edge") -> None:
    create(environment, home.parent / "root-keys", 1, 1, Days())


def versions() -> tuple[int, ...]:
    """Returns the newest versions of targets, snapshot and timestamp that are served."""
    folder = metadata_dir("edge")
    numbered = [max(int(path.name.split(".")[0]) for path in folder.glob(f"*.{role}.json")) for role in ONLINE[:2]]
    return (*numbered, int(json.loads((folder / "timestamp.json").read_bytes())["signed"]["version"]))


def test_a_new_channel_holds_the_bundles_of_the_champions_with_version_and_limit(home: Path, device: Device) -> None:
    first, second = make_release(home, "digits", 1), make_release(home, "vowels", 4)
    lead(first, passed(p95=12.3456))
    lead(second)
    lead(make_release(home, "solar", 1), passed("staging"))
    make_channel(home)
    assert device.update() == bundle(first, second)
    custom = {name: fields for name, fields in device.targets().items() if fields}
    assert custom == {
        "digits/manifest.json": {"version": 1, "p95_ms": "12.3456"},
        "vowels/manifest.json": {"version": 4, "p95_ms": None},
    }


def test_a_device_follows_two_promotions_and_a_rollback_and_versions_only_grow(home: Path, device: Device) -> None:
    make_channel(home)
    assert device.update() == {}
    first, second = make_release(home, "digits", 1), make_release(home, "digits", 2)
    for place, (event, release) in enumerate((("promoted", first), ("promoted", second), ("rolled back", first)), 2):
        append(History.load(), event, "digits", "edge", release.version, "test", passed())  # type: ignore[arg-type]
        assert publish("edge") == ONLINE
        assert device.update() == bundle(release)
        assert versions() == (place, place, place)


def test_publishing_what_is_there_already_writes_nothing(home: Path) -> None:
    lead(make_release(home, "digits", 1))
    make_channel(home)
    before = tree(served_root(), keys_root())
    assert publish("edge") == ()
    assert refresh("edge", None) == ()
    assert tree(served_root(), keys_root()) == before


def test_a_move_that_was_intended_is_published_as_if_it_were_done(home: Path, device: Device) -> None:
    first, second = make_release(home, "digits", 1), make_release(home, "digits", 2)
    lead(first)
    make_channel(home)
    append(History.load(), "intended", "digits", "edge", 2, "test", passed())
    publish("edge")
    assert device.update() == bundle(second)


def test_a_bundle_that_was_changed_is_not_published(home: Path, device: Device) -> None:
    first, second = make_release(home, "digits", 1), make_release(home, "digits", 2)
    lead(first)
    make_channel(home)
    lead(second)
    model = local_path(second.bundle[1].uri)
    assert model is not None
    model.write_bytes(b"another model")
    with pytest.raises(IntegrityError, match=r"model.onnx`: expected sha256"):
        publish("edge")
    assert device.update() == bundle(first)
    assert versions() == (1, 1, 1)


def test_versions_grow_where_somebody_put_an_old_copy_of_the_channel_back(home: Path, device: Device) -> None:
    first, second = make_release(home, "digits", 1), make_release(home, "digits", 2)
    lead(first)
    make_channel(home)
    shutil.copytree(metadata_dir("edge"), home / "copy")
    lead(second)
    publish("edge")
    device.update()
    shutil.rmtree(metadata_dir("edge"))
    shutil.copytree(home / "copy", metadata_dir("edge"))
    (line,) = inspect("edge", History.load())
    assert line == "channel `edge`: `digits`: expected version 2, got 1"
    publish("edge")
    assert versions() == (3, 3, 3)
    assert device.update() == bundle(second)


def newest(role: str) -> Path:
    """Returns the file of the newest metadata of a role that is served."""
    found = metadata_dir("edge").glob(f"*.{role}.json")
    return max(found, key=lambda path: int(path.name.split(".")[0]))


REFUSED = "expected metadata that devices accept"


def test_what_was_changed_or_taken_away_in_a_channel_is_said_and_put_right(home: Path, device: Device) -> None:
    release = make_release(home, "digits", 1)
    lead(release)
    make_channel(home)
    finds: dict[str, Callable[[], Path]] = {
        "model.onnx`: expected sha256": lambda: next(targets_dir("edge").rglob("*.model.onnx")),
        "1.root.json`: expected the root that was signed, got": lambda: newest("root"),
        f"`targets`: {REFUSED}": lambda: newest("targets"),
        f"`snapshot`: {REFUSED}": lambda: newest("snapshot"),
        f"`timestamp`: {REFUSED}": lambda: metadata_dir("edge") / "timestamp.json",
    }
    for removed in (False, True):
        for said, find in finds.items():
            find().unlink() if removed else find().write_bytes(b"{}")
            (line,) = inspect("edge", History.load())
            assert said in line
            publish("edge")
            assert tuple(inspect("edge", History.load())) == ()
            assert device.update() == bundle(release)


def test_a_root_that_nobody_signed_is_said_and_taken_away(home: Path, device: Device) -> None:
    make_channel(home)
    strange = metadata_dir("edge") / "2.root.json"
    shutil.copy(metadata_dir("edge") / "1.root.json", strange)
    said = tuple(inspect("edge", History.load()))
    assert f"`{strange}`: expected the root that was signed, got another one" in said
    publish("edge")
    assert tuple(inspect("edge", History.load())) == ()
    assert device.update() == {}


def expire(role_days: timedelta) -> None:
    """Signs the timestamp again with its own key, to expire in a given time."""
    path = metadata_dir("edge") / "timestamp.json"
    timestamp = Metadata[Timestamp].from_file(str(path))
    timestamp.signed.expires = datetime.now(UTC) + role_days
    timestamp.sign(online_signer("edge", "timestamp", current_root("edge").signed))
    timestamp.to_file(str(path))


def test_a_channel_that_expired_is_refused_until_it_is_refreshed(home: Path, device: Device) -> None:
    release = make_release(home, "digits", 1)
    lead(release)
    make_channel(home)
    expire(timedelta(days=-1))
    with pytest.raises(ExpiredMetadataError):
        device.update()
    (line,) = inspect("edge", History.load())
    assert "`timestamp`: expected metadata that devices accept, got: timestamp.json is expired" in line
    assert "timestamp" in refresh("edge", None)
    assert device.update() == bundle(release)
    assert tuple(inspect("edge", History.load())) == ()


def test_only_what_is_in_the_last_third_of_its_time_is_signed_anew(home: Path, device: Device) -> None:
    make_channel(home)
    expire(timedelta(days=5))
    assert refresh("edge", None) == ()
    expire(timedelta(days=4))
    assert tuple(inspect("edge", History.load())) == ()
    assert refresh("edge", None) == ("timestamp",)
    expire(timedelta(days=2))
    (line,) = inspect("edge", History.load())
    assert "`timestamp`: expected to be valid for days" in line
    assert line.endswith("stillhouse channel refresh edge")
    assert refresh("edge", None) == ("timestamp",)
    assert versions() == (1, 1, 3)


def test_environments_have_channels_of_their_own(home: Path, device: Device) -> None:
    first, second = make_release(home, "digits", 1), make_release(home, "digits", 2)
    lead(first)
    lead(second, passed("staging"))
    make_channel(home)
    make_channel(home, "staging")
    other = replace(device, home=home / "other-device", environment="staging")
    assert (device.update(), other.update()) == (bundle(first), bundle(second))
