import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.runtime.device import Device
from tasks.runtime.errors import ChannelError
from tests.runtime.devices import answer, set_up
from tests.runtime.tuf_world import ONLINE, Files, World

MakeBundle = Callable[..., Files]


def test_metadata_does_not_become_fresh_again_when_the_clock_is_set_back(
    device: Device, world: World, make_bundle: MakeBundle
) -> None:
    latest = (datetime.now(UTC) + timedelta(days=31)).isoformat()  # the clock was right then, and is a month slow now
    device.home.trusted_time_file.write_text(json.dumps({"latest": latest}))
    world.publish(make_bundle("two"), 2)
    with pytest.raises(ChannelError, match=r"^freeze: .*this device's clock .* is wrong: set it, or the channel"):
        device.update()
    assert answer(device) == "one"
    for role in (world.root, world.targets, world.snapshot, world.timestamp):
        role.expires += timedelta(days=30)
    world.rotate([])
    world.save()
    assert device.update().after == 2


def test_clock_far_ahead_finds_everything_expired_keeps_the_model_and_leaves_no_trace(
    tmp_path: Path, device: Device, make_bundle: MakeBundle
) -> None:
    past = World(expires=-timedelta(days=1))  # what a clock a day too far ahead sees in a channel that is all right
    past.publish(make_bundle("two"), 2)
    ahead = set_up(tmp_path / "ahead", past)
    with pytest.raises(ChannelError, match=r"^freeze: .*this device's clock"):
        ahead.update()
    assert not ahead.home.trusted_time_file.exists()


def test_stolen_key_that_ran_ahead_is_recovered_from_by_new_keys_in_a_new_root(
    device: Device, world: World, make_bundle: MakeBundle
) -> None:
    honest = world.states[-1]
    roles: tuple[Any, ...] = (world.targets, world.snapshot, world.timestamp)
    for role in roles:
        role.version = 2**31
    world.publish(make_bundle("stolen"), 666)
    assert device.update().after == 666
    world.files.clear()
    world.files.update(honest)
    for place, role in enumerate(roles):
        role.version = 1 + place
    world.publish(make_bundle("two"), 2)
    with pytest.raises(ChannelError, match=r"^rollback"):
        device.update()
    world.rotate(ONLINE)
    world.save()
    assert device.update().after == 2
    assert answer(device) == "two"
