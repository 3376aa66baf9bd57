"""A channel in a folder of its own, one release behind the ledger, and what is killed there."""

import os
from pathlib import Path

from tasks.registry.channel import creation, publication, rotation
from tasks.registry.channel.inspection import inspect
from tasks.registry.channel.paths import channels, keys_root, served_root
from tasks.registry.channel.settings import Days
from tasks.registry.ledger.history import History
from tests.registry.made_channel import Device, lead, make_release, passed, web_server

Seen = tuple[int | None, int | None]
"""the version that a device has after the interruption, and after the next publication"""


def enter(world: Path) -> None:
    """Makes a folder the home of this process."""
    os.environ["STILLHOUSE_HOME"] = str(world)


def build(world: Path) -> None:
    """Makes a channel that holds the first release, while the second leads by now; staging has none yet."""
    enter(world)
    releases = [make_release(world, "digits", version) for version in (1, 2)]
    lead(releases[0])
    lead(releases[1], passed("staging"))
    _create(world, "edge")
    _update(world, "edge")
    lead(releases[1])


def rotate_timestamp(world: Path) -> None:
    """Gives the timestamp a new key, and publishes the second release with it."""
    enter(world)
    rotation.rotate("edge", "timestamp", world / "root-keys")


def rotate_root(world: Path) -> None:
    """Gives the root new keys; what the channel holds stays."""
    enter(world)
    rotation.rotate("edge", "root", world / "root-keys")


def create(world: Path) -> None:
    """Makes the channel of staging."""
    enter(world)
    _create(world, "staging")


def go_on(world: Path) -> Seen:
    """Updates a device, publishes, and updates it again; the channel is without fault then."""
    enter(world)
    before = _update(world, "edge")
    publication.publish("edge")
    _require_whole("edge")
    return before, _update(world, "edge")


def make_anyway(world: Path) -> Seen:
    """Makes the channel of staging where it is not there; else it goes on with what is there."""
    enter(world)
    if "staging" not in channels():
        _create(world, "staging")
    publication.publish("staging")
    _require_whole("staging")
    return None, _update(world, "staging")


def _create(world: Path, environment: str) -> None:
    creation.create(environment, world / "root-keys", 1, 1, Days())


def _require_whole(environment: str) -> None:
    """Fails where something is wrong with a channel, or where half a file was left."""
    assert tuple(inspect(environment, History.load())) == ()
    for root in (served_root(), keys_root()):
        assert not [path for path in (root / environment).rglob("*") if path.name.startswith(".")]


def _update(world: Path, environment: str) -> int | None:
    """Returns the version that the device of an environment has."""
    with web_server(served_root()) as address:
        device = Device(world / f"device-{environment}", address, environment)
        device.update()
        custom = device.targets().get("digits/manifest.json")
        return int(custom["version"]) if custom else None
