"""Attacks on the channel, fifty of each kind: the new release is never loaded, and the old one goes on answering."""

import shutil
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from securesystemslib.signer import CryptoSigner

from tasks.runtime.device import Device
from tasks.runtime.errors import ChannelError
from tests.runtime.devices import answer, set_up
from tests.runtime.tuf_world import ONLINE, Files, MemoryFetcher, World

MakeBundle = Callable[..., Files]
Bundles = Mapping[str, Files]
Attack = Callable[[World, Bundles, Random], MemoryFetcher]
SEEDS = range(50)


@pytest.fixture(scope="module")
def bundles(make_bundle: MakeBundle) -> Bundles:
    named = {word: make_bundle(word) for word in ("one", "two", "three")}
    return {**named, "other": make_bundle("other", name="other")}


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory, bundles: Bundles) -> list[tuple[Path, World]]:
    """Two devices that run release two, of channels that had release one before and have published three since.

    The timestamps of the first channel do not give hashes of the snapshot, those of the second do.
    """
    return [victim(tmp_path_factory.mktemp("victim"), World(hashes), bundles) for hashes in (False, True)]


def victim(folder: Path, world: World, bundles: Bundles) -> tuple[Path, World]:
    world.publish(bundles["one"], 1)
    world.publish(bundles["two"], 2)
    set_up(folder / "home", world).update()
    world.publish(bundles["three"], 3)
    return folder / "home", world


def newest(world: World, random: Random) -> str:
    """Picks one of the files that an update to the newest release asks for."""
    seen = world.states[-2]
    return random.choice(sorted(name for name, content in world.files.items() if seen.get(name) != content))


def arbitrary_package(world: World, _bundles: Bundles, random: Random) -> MemoryFetcher:
    new = world.files.keys() - world.states[-2].keys()
    name = random.choice(sorted(name for name in new if name.startswith("targets/")))
    signed = len(world.files[name])
    size = random.choice((signed, random.randint(0, 2 * signed)))
    return MemoryFetcher(world.files | {name: random.randbytes(size)})


def rollback(world: World, _bundles: Bundles, random: Random) -> MemoryFetcher:
    whole = random.random() < 0.5
    old = world.states[0]
    timestamp = {"metadata/timestamp.json": old["metadata/timestamp.json"]}
    return MemoryFetcher(old if whole else world.files | timestamp)


def freeze(world: World, _bundles: Bundles, random: Random) -> MemoryFetcher:
    role = random.choice((world.targets, world.snapshot, world.timestamp))
    role.expires = (datetime.now(UTC) - timedelta(minutes=random.randint(1, 500_000))).replace(microsecond=0)
    world.save()
    return MemoryFetcher(world.files)


def fast_forward(world: World, _bundles: Bundles, random: Random) -> MemoryFetcher:
    for role in random.sample(ONLINE, random.randint(1, 3)):
        world.signers[role] = CryptoSigner.generate_ed25519()
        getattr(world, role).version += random.randint(1, 2**31)
    world.save()
    return MemoryFetcher(world.files)


def endless_data(world: World, _bundles: Bundles, random: Random) -> MemoryFetcher:
    return MemoryFetcher(world.files, endless=random.choice([newest(world, random), "metadata/2.root.json"]))


def mix_and_match(world: World, _bundles: Bundles, random: Random) -> MemoryFetcher:
    role = random.choice(("targets", "snapshot"))
    older = 2 if not world.hashes else random.choice((1, 2))
    return MemoryFetcher(world.files | {f"metadata/3.{role}.json": world.files[f"metadata/{older}.{role}.json"]})


def wrong_target(world: World, bundles: Bundles, random: Random) -> MemoryFetcher:
    if random.random() < 0.5:
        world.publish(bundles["other"], 4)
    else:
        name = random.choice(("golden.npz", "model.onnx"))
        world.publish(dict(bundles["three"]) | {name: random.randbytes(random.randint(1, 999))}, 4)
    return MemoryFetcher(world.files)


def revoked_key(world: World, bundles: Bundles, random: Random) -> MemoryFetcher:
    stolen = dict(world.signers)
    revoked = random.sample(ONLINE, random.randint(1, 3))
    world.rotate(revoked)
    world.signers |= {role: stolen[role] for role in revoked}
    world.publish(bundles["three"], 4)
    return MemoryFetcher(world.files)


def flipped_bit(world: World, _bundles: Bundles, random: Random) -> MemoryFetcher:
    name = newest(world, random)
    content = bytearray(world.files[name])
    bit = 0 if name.startswith("metadata/") else random.randrange(8)  # others may turn a hexadecimal a into an A
    content[random.randrange(len(content))] ^= 1 << bit
    return MemoryFetcher(world.files | {name: bytes(content)})


def cut_file(world: World, _bundles: Bundles, random: Random) -> MemoryFetcher:
    name = newest(world, random)
    return MemoryFetcher(world.files | {name: world.files[name][: random.randrange(len(world.files[name]))]})


def extra_file(world: World, bundles: Bundles, random: Random) -> MemoryFetcher:
    name = random.choice(("extra.py", ".hidden", "folder/model.onnx", "model.onnx.1"))
    world.publish(dict(bundles["three"]) | {name: random.randbytes(9)}, 4)
    return MemoryFetcher(world.files)


def missing_file(world: World, bundles: Bundles, random: Random) -> MemoryFetcher:
    name = random.choice(("golden.npz", "model.onnx"))
    if random.random() < 0.5:
        world.publish({file: content for file, content in bundles["three"].items() if file != name}, 4)
        return MemoryFetcher(world.files)
    return MemoryFetcher({path: content for path, content in world.files.items() if not path.endswith(f".{name}")})


ATTACKS: list[tuple[Attack, set[str]]] = [
    (arbitrary_package, {"altered file", "cut file", "endless data"}),
    (rollback, {"rollback"}),
    (freeze, {"freeze"}),
    (fast_forward, {"signature"}),
    (endless_data, {"endless data"}),
    (mix_and_match, {"mix-and-match"}),
    (wrong_target, {"wrong target"}),
    (revoked_key, {"signature"}),
    (flipped_bit, {"altered file", "signature", "mix-and-match", "malformed"}),
    (cut_file, {"cut file", "mix-and-match", "malformed"}),
    (extra_file, {"extra file"}),
    (missing_file, {"missing file"}),
]


@pytest.mark.parametrize(("attack", "kinds"), ATTACKS, ids=[attack.__name__ for attack, _ in ATTACKS])
def test_attack_is_refused_by_its_name_and_the_old_model_answers(
    tmp_path: Path, victims: list[tuple[Path, World]], bundles: Bundles, attack: Attack, kinds: set[str]
) -> None:
    found = set()
    for seed in SEEDS:
        home, world = victims[seed % 2]
        shutil.copytree(home, tmp_path / str(seed), symlinks=True)
        fetcher = attack(deepcopy(world), bundles, Random(seed))
        with pytest.raises(ChannelError) as refusal:
            Device(tmp_path / str(seed), fetcher).update()
        assert str(refusal.value).startswith(f"{refusal.value.kind}: ")
        found.add(refusal.value.kind)
        assert answer(Device(tmp_path / str(seed))) == "two"
    assert found == kinds


def test_the_same_devices_take_the_new_release_when_nobody_attacks(
    tmp_path: Path, victims: list[tuple[Path, World]]
) -> None:
    for place, (home, world) in enumerate(victims):
        shutil.copytree(home, tmp_path / str(place), symlinks=True)
        Device(tmp_path / str(place), MemoryFetcher(world.files)).update()
        assert answer(Device(tmp_path / str(place))) == "three"
