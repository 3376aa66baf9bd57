import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.runtime.device import Device
from tasks.runtime.errors import HeldOutError, ManifestError, ModelError, NoModelError, OfflineError, SelfTestError
from tasks.runtime.update.slots import switch
from tasks.runtime.update.status import read_status
from tests.runtime.devices import answer, set_up
from tests.runtime.tuf_world import Files, World

MakeBundle = Callable[..., Files]


def test_update_installs_the_leading_release_and_keeps_the_one_before(
    device: Device, world: World, make_bundle: MakeBundle
) -> None:
    assert answer(device) == "one"
    assert device.update().trial is None
    world.publish(make_bundle("two"), 2)
    change = device.update()
    assert (change.before, change.after, answer(device)) == (1, 2, "two")
    status = read_status(device.home)
    assert status.running
    assert status.previous
    assert (status.running.version, status.previous.version, status.held_out) == (2, 1, None)
    assert set(status.expires) == {"root", "timestamp", "snapshot", "targets"}
    assert sorted(path.name for path in device.home.slots.iterdir()) == ["a", "a.json", "b", "b.json"]


def test_channel_may_go_back_to_a_release_before(device: Device, world: World, make_bundle: MakeBundle) -> None:
    world.publish(make_bundle("two"), 2)
    device.update()
    world.publish(make_bundle("one"), 1)
    assert device.update().after == 1
    assert answer(device) == "one"


def test_release_that_answers_otherwise_is_held_out_until_there_is_another_one(
    device: Device, world: World, make_bundle: MakeBundle
) -> None:
    world.publish(make_bundle("two", logits_off=1), 2)
    with pytest.raises(SelfTestError, match="expected golden outputs"):
        device.update()
    held = read_status(device.home).held_out
    assert held
    assert held.version == 2
    assert "golden outputs" in held.reason
    with pytest.raises(HeldOutError, match=r"version 2 is held out .*version 1 stays"):
        device.update()
    with pytest.raises(SelfTestError):
        device.update(force=True)
    assert answer(device) == "one"
    world.publish(make_bundle("three"), 3)
    assert device.update().after == 3
    assert read_status(device.home).held_out is None


def test_model_that_cannot_be_run_here_is_held_out(device: Device, world: World, make_bundle: MakeBundle) -> None:
    bundle = dict(make_bundle("two"))
    manifest = json.loads(bundle["manifest.json"])
    file = next(file for file in manifest["files"] if file["name"] == "model.onnx")
    bundle["model.onnx"] = b"no model"
    file |= {"size": 8, "sha256": hashlib.sha256(b"no model").hexdigest()}
    bundle["manifest.json"] = json.dumps(manifest).encode()
    world.publish(bundle, 2)
    with pytest.raises(ModelError):
        device.update()
    assert answer(device) == "one"
    with pytest.raises(HeldOutError):
        device.update()


def test_limit_of_the_device_goes_before_that_of_the_channel(
    tmp_path: Path, world: World, make_bundle: MakeBundle
) -> None:
    world.publish(make_bundle("one"), 1, p95_ms="0.000001")
    with pytest.raises(SelfTestError, match="expected a p95 of at most 1e-06 ms for one sample"):
        set_up(tmp_path / "slow", world).update()
    assert set_up(tmp_path / "patient", world, p95_ms=1000).update().after == 1


@pytest.mark.parametrize("limit", ["soon", "0", "-1", "inf", "nan"])
def test_limit_that_is_none_is_refused(device: Device, world: World, make_bundle: MakeBundle, limit: str) -> None:
    world.publish(make_bundle("two"), 2, p95_ms=limit)
    with pytest.raises(ManifestError, match=r"`targets\.json`: `custom\.p95_ms`: expected"):
        device.update()
    assert answer(device) == "one"


def test_rollback_goes_to_the_other_release_and_holds_out_the_one_it_left(
    device: Device, world: World, make_bundle: MakeBundle
) -> None:
    with pytest.raises(NoModelError, match="expected a release to go back to"):
        device.roll_back()
    world.publish(make_bundle("two"), 2)
    device.update()
    assert device.roll_back().after == 1
    assert answer(device) == "one"
    with pytest.raises(HeldOutError, match="left by a rollback"):
        device.update()
    assert device.update(force=True).after == 2
    assert answer(device) == "two"


def test_rollback_to_a_broken_release_changes_nothing(device: Device, world: World, make_bundle: MakeBundle) -> None:
    world.publish(make_bundle("two"), 2)
    device.update()
    (device.home.bundle(device.home.free_slot()) / "golden.npz").write_text("[]")
    with pytest.raises(Exception, match=r"golden\.npz"):
        device.roll_back()
    assert answer(device) == "two"


def test_switch_to_a_bundle_that_turns_out_broken_goes_back_by_itself(
    device: Device, world: World, make_bundle: MakeBundle
) -> None:
    world.publish(make_bundle("two"), 2)
    device.update()
    slot = device.home.free_slot()
    (device.home.bundle(slot) / "model.onnx").write_bytes(b"rotten")
    with pytest.raises(Exception, match=r"model\.onnx"):
        switch(device.home, slot)
    assert answer(device) == "two"
    held = device.home.held_out()
    assert held
    assert held.version == 1


def test_device_whose_current_bundle_rots_answers_with_the_other_and_an_update_mends_it(
    device: Device, world: World, make_bundle: MakeBundle
) -> None:
    world.publish(make_bundle("two"), 2)
    device.update()
    slot = device.home.slot()
    assert slot
    (device.home.bundle(slot) / "manifest.json").write_bytes(b"{}")
    assert answer(device) == "one"
    assert "; version 1 answers meanwhile" in str(device.predictor().problem)
    assert device.update().after == 2
    assert answer(device) == "two"
    assert device.predictor().problem is None


def test_without_network_the_model_stays(tmp_path: Path, world: World, make_bundle: MakeBundle) -> None:
    world.publish(make_bundle("one"), 1)
    device = set_up(tmp_path / "home", world)
    device.update()
    settings = replace(device.home.settings(), channel="http://127.0.0.1:9/edge")
    device.home.settings_file.write_bytes(settings.to_json())
    with pytest.raises(OfflineError, match="the model stays"):
        Device(device.home.path).update()
    assert answer(device) == "one"


def test_leftovers_of_a_killed_update_are_swept_away(device: Device) -> None:
    home = device.home
    for folder in (home.incoming, home.bundle("b")):
        folder.mkdir()
        (folder / "model.onnx").write_bytes(b"half")
    (home.metadata / "tmpabc").write_bytes(b"")
    device.update()
    assert sorted(path.name for path in home.slots.iterdir()) == ["a", "a.json"]
    assert not list(home.metadata.glob("tmp*"))


def test_model_that_nobody_promoted_is_said_to_be_missing(device: Device, world: World) -> None:
    world.publish({}, 2)
    with pytest.raises(NoModelError, match="`tiny`: expected a release in the channel, got none"):
        device.update()
    assert answer(device) == "one"


def test_whoever_loads_the_model_while_updates_change_it_gets_a_whole_one(
    device: Device, world: World, make_bundle: MakeBundle
) -> None:
    with ThreadPoolExecutor(1) as pool:
        for version in range(2, 8):
            loading = pool.submit(lambda: [device.predictor().receipt.version for _ in range(8)])
            world.publish(make_bundle(f"word{version}"), version)
            device.update()
            assert set(loading.result()) <= {version - 1, version}
