"""An enrolment, or a forgetting, that is killed at any write to the disk: the gallery is as before or after."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.runtime.device import Device
from tasks.runtime.gallery.store import GalleryStore, current_space
from tasks.runtime.preprocess.preprocessor import ModelInputs
from tests.killed import in_a_process, preload, walk
from tests.runtime.gallery.conftest import MakeRelease, picture
from tests.runtime.tuf_world import MemoryFetcher, World

preload("tasks.runtime.device", "tests.runtime.gallery.conftest")
HOME = "home"
State = dict[str, dict[str, int]]


def enrol(world: Path, name: str, *seeds: int) -> None:
    pictures = np.concatenate([picture(seed) for seed in seeds])
    Device(world / HOME).recogniser().enrol(name, ModelInputs({"inputs": pictures}))


def enrol_bob(world: Path) -> None:
    enrol(world, "Bob", 2, 3)


def enrol_ada_anew(world: Path) -> None:
    enrol(world, "Ada", 4, 5, 6)


def forget_ada(world: Path) -> None:
    home = Device(world / HOME).home
    GalleryStore(home).forget("Ada", current_space(home))


def state_of(world: Path) -> State:
    """What another process reads: the number of vectors of each name, in each space."""
    home = Device(world / HOME).home
    store = GalleryStore(home)
    spaces = sorted(path.stem for path in home.galleries.glob("*.gallery"))
    listings = {space: store.listing(space)["names"] for space in spaces}
    return {space: {one["name"]: one["vectors"] for one in listed} for space, listed in listings.items()}


def asked_of(world: Path) -> object:
    inputs = np.concatenate([picture(1), picture(2)])
    return [answer["name"] for answer in Device(world / HOME).recogniser().identify(ModelInputs({"inputs": inputs}))]


@pytest.fixture
def killing(tmp_path: Path, device: Device) -> Path:
    """A folder with the home of a device that knows Ada."""
    folder = tmp_path / "world"
    folder.mkdir()
    shutil.move(device.home.path, folder / HOME)
    enrol(folder, "Ada", 1)
    return folder


def states_after_kills(world: Path, work: Callable[[Path], None]) -> list[State]:
    return [in_a_process(world, state_of) for _ in walk(world, work)]


def test_an_enrolment_that_is_killed_leaves_the_gallery_before_or_after(killing: Path) -> None:
    before, points = state_of(killing), []
    ((space, names),) = before.items()
    after = {space: {**names, "Bob": 2}}
    for point in walk(killing, enrol_bob):
        points.append(point.split()[1])
        found = in_a_process(killing, state_of)
        assert found == (after if point == "the end" else before), point
        assert in_a_process(killing, asked_of) == ["Ada", "Bob" if found == after else None]
        in_a_process(killing, enrol_bob)  # another try ends the work
        assert in_a_process(killing, state_of) == after
        assert not list((killing / HOME / "galleries").glob(".*.new"))
    assert points == ["open", "open", "rename", "end"]  # the lock, the new file, and its name


def test_one_who_is_enrolled_anew_has_the_old_vectors_or_the_new_ones(killing: Path) -> None:
    states = states_after_kills(killing, enrol_ada_anew)
    assert [next(iter(state.values()))["Ada"] for state in states] == [1] * (len(states) - 1) + [3]


def test_nothing_of_a_killed_enrolment_is_left_behind_who_is_forgotten(killing: Path) -> None:
    galleries = killing / HOME / "galleries"
    for point in walk(killing, enrol_bob):
        if point.split()[1] == "rename":
            (unfinished,) = galleries.glob(".*.new")
            assert b"Ada" in unfinished.read_bytes()
            in_a_process(killing, forget_ada)
            assert [path.name for path in galleries.iterdir()] == [".lock"]
            return
    pytest.fail("no enrolment was killed between its file and the name of it")


def test_who_is_being_forgotten_is_known_to_the_current_model_until_the_last_write(
    killing: Path, world: World, make_release: MakeRelease
) -> None:
    world.publish(make_release(order=1), 2)
    Device(killing / HOME, MemoryFetcher(world.files)).update()
    enrol(killing, "Ada", 1)
    states = states_after_kills(killing, forget_ada)
    space = current_space(Device(killing / HOME).home)
    assert states[-1] == {}
    assert all("Ada" in state[space] for state in states[:-1])
    assert {len(state) for state in states} == {2, 1, 0}  # `forget` once more finds what is left
