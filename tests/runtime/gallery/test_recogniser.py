"""Who is enrolled is found again, a stranger is not, and vectors of two models never meet."""

import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from tasks.runtime.bundle.manifest import VerifyRules
from tasks.runtime.bundle.session import MODEL, Session
from tasks.runtime.device import Device
from tasks.runtime.errors import EnrolmentError, ModelError, SettingsError, UnknownNameError, WrongInputError
from tasks.runtime.gallery.gallery_file import gallery_bytes, read_gallery
from tasks.runtime.gallery.recogniser import MOST_VECTORS, Recogniser
from tasks.runtime.gallery.space import space_of, vectors_of
from tasks.runtime.gallery.store import MOST_NAMES, GalleryStore, current_space
from tasks.runtime.gallery.vectors import DeviceGallery, EnrolledName
from tasks.runtime.preprocess.preprocessor import ModelInputs
from tests.runtime.devices import set_up
from tests.runtime.gallery.conftest import THRESHOLD, MakeRelease, Picture, directions, like, picture
from tests.runtime.tuf_world import World

LOG = logging.getLogger(__name__)
ADA, BOB, EVE = (picture(seed) for seed in (1, 2, 3))


def samples(*pictures: Picture) -> ModelInputs:
    return ModelInputs({"inputs": np.concatenate(pictures)})


def name_of(device: Device, one: Picture) -> object:
    return device.recogniser().identify(samples(one))[0]["name"]


def files_of(device: Device) -> list[Path]:
    return sorted(device.home.galleries.glob("*.gallery"))


def space_in(device: Device) -> str:
    return current_space(device.home)


def test_who_is_enrolled_is_found_again_and_a_stranger_is_nobody(device: Device) -> None:
    recogniser = device.recogniser()
    first = recogniser.enrol("Ada", samples(ADA, like(ADA, 1)))
    assert (first["vectors"], first["before"], first["nearest"]) == (2, 0, None)
    assert THRESHOLD < first["agreement"] < 1
    assert recogniser.enrol("Bob", samples(BOB))["nearest"] == "Ada"
    found, stranger = recogniser.identify(samples(like(ADA, 2), EVE))
    assert (found["name"], found["nearest"], found["threshold"]) == ("Ada", "Ada", THRESHOLD)
    assert found["score"] > THRESHOLD
    assert stranger["name"] is None
    assert stranger["nearest"] in ("Ada", "Bob")
    assert 0 < stranger["score"] < THRESHOLD


def test_a_score_is_the_cosine_with_the_nearest_sample_of_a_name(device: Device) -> None:
    recogniser = device.recogniser()
    recogniser.enrol("Ada", samples(ADA, EVE))
    recogniser.enrol("Bob", samples(BOB))
    asked = picture(7)
    (answer,) = recogniser.identify(samples(asked))

    def cosine(one: Picture, other: Picture) -> float:
        first, second = one.ravel() + 1.0, other.ravel() + 1.0
        return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))

    scores = {"Ada": max(cosine(asked, ADA), cosine(asked, EVE)), "Bob": cosine(asked, BOB)}
    best = max(scores, key=lambda name: scores[name])
    assert (answer["nearest"], answer["score"]) == (best, pytest.approx(scores[best], abs=1e-6))


def test_notes_of_a_sample_are_passed_on(device: Device) -> None:
    inputs = ModelInputs(samples(ADA, BOB).arrays, [(), ("seen by night",)])
    assert [answer.get("notes") for answer in device.recogniser().identify(inputs)] == [None, ["seen by night"]]


def test_a_score_of_exactly_the_threshold_is_enough(tmp_path: Path, make_release: MakeRelease) -> None:
    world = World()
    world.publish(make_release(verify=VerifyRules(1.0, 0.001)), 1)
    device = set_up(tmp_path / "exact", world)
    device.update()
    black = np.zeros_like(ADA)  # sixteen times 0.25
    device.recogniser().enrol("Black", samples(black))
    assert (name_of(device, black), name_of(device, like(black))) == ("Black", None)
    assert device.recogniser().verify(samples(black, black))["same"] is True


def test_two_samples_are_verified_without_a_gallery(device: Device) -> None:
    recogniser = device.recogniser()
    assert recogniser.verify(samples(ADA, like(ADA)))["same"] is True
    apart = recogniser.verify(samples(ADA, BOB))
    assert (apart["same"], apart["score"] < apart["threshold"]) == (False, True)
    for pictures in ((ADA,), (ADA, BOB, EVE)):
        with pytest.raises(WrongInputError, match=f"expected two samples, got {len(pictures)}"):
            recogniser.verify(samples(*pictures))
    assert not device.home.galleries.exists()


def test_samples_are_verified_against_the_samples_of_one_name_alone(
    device: Device, world: World, make_release: MakeRelease
) -> None:
    recogniser = device.recogniser()
    recogniser.enrol("Ada", samples(EVE, ADA))
    recogniser.enrol("Bob", samples(BOB))
    own, other = recogniser.verify_name("Ada", samples(like(ADA), BOB))
    assert (own["same"], other["same"], own["name"]) == (True, False, "Ada")
    assert other["score"] < THRESHOLD < own["score"]
    with pytest.raises(UnknownNameError, match="`Eve`: expected a name that is enrolled, got none"):
        recogniser.verify_name("Eve", samples(ADA))
    world.publish(make_release(order=1), 2)
    device.update()
    with pytest.raises(EnrolmentError, match=r"`Ada`: expected a name enrolled with version 2 .* enrol it again"):
        device.recogniser().verify_name("Ada", samples(ADA))


def test_enrolling_replaces_and_adds_only_when_asked_to(device: Device) -> None:
    recogniser = device.recogniser()
    recogniser.enrol("Ada", samples(ADA))
    assert recogniser.enrol("Ada", samples(BOB), add=True)["vectors"] == 2
    assert (name_of(device, ADA), name_of(device, BOB)) == ("Ada", "Ada")
    again = recogniser.enrol("Ada", samples(EVE))
    assert (again["vectors"], again["before"]) == (1, 2)
    assert (name_of(device, ADA), name_of(device, EVE)) == (None, "Ada")


def test_a_name_has_a_bounded_number_of_samples(device: Device) -> None:
    recogniser = device.recogniser()
    recogniser.enrol("Ada", samples(*[ADA] * MOST_VECTORS))
    for add, pictures in ((True, [ADA]), (False, [ADA] * (MOST_VECTORS + 1))):
        with pytest.raises(WrongInputError, match=f"`Ada`: expected 1 to {MOST_VECTORS} samples of a name, got 17"):
            recogniser.enrol("Ada", samples(*pictures), add)
    assert GalleryStore(device.home).listing(space_in(device))["names"][0]["vectors"] == MOST_VECTORS


@pytest.mark.parametrize(
    "name",
    [
        "",
        " Ada",
        "Ada ",
        "a/b",
        "a\\b",
        "a\nb",
        "\u202eada",
        ".",
        "..",
        ".ada",
        "\ud800",
        "a" * 101,
        "\u2028",
        "a\ufffd",
    ],
)
def test_odd_names_are_refused(device: Device, name: str) -> None:
    with pytest.raises(WrongInputError, match=r"`name`: expected 1 to 100 characters"):
        device.recogniser().enrol(name, samples(ADA))
    assert not device.home.galleries.exists()


@pytest.mark.parametrize("name", ["A", "Ada Lovelace", "प्रिया", "李小龍", "O'Neill-Smith 3.", "a" * 100])
def test_names_of_all_scripts_are_taken(device: Device, name: str) -> None:
    device.recogniser().enrol(name, samples(ADA))
    assert name_of(device, ADA) == name


def test_names_that_look_the_same_are_the_same(device: Device) -> None:
    device.recogniser().enrol("Jos\u00e9", samples(ADA))
    assert device.recogniser().enrol("Jose\u0301", samples(ADA))["before"] == 1


def test_a_file_holds_vectors_and_names_alone_and_is_closed_to_others(device: Device) -> None:
    device.recogniser().enrol("Ada", samples(ADA))
    (file,) = files_of(device)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    head, _, vectors = file.read_bytes().partition(b"\n")
    assert json.loads(head).keys() == {"format", "space", "size", "sha256", "names", "enrolled", "vectors"}
    assert len(vectors) == 16 * 4
    assert ADA.tobytes() not in file.read_bytes()


def test_a_gallery_is_read_as_it_was_written(device: Device) -> None:
    recogniser = device.recogniser()
    recogniser.enrol("Ada", samples(ADA, EVE))
    recogniser.enrol("Bob", samples(BOB))
    (file,) = files_of(device)
    assert gallery_bytes(read_gallery(file)) == file.read_bytes()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda content: b"", "expected JSON"),
        (lambda content: content[:-4], "`sha256`: expected that of the vectors"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "`sha256`: expected that of the vectors"),
        (lambda content: content.replace(b'"format": 1', b'"format": 2'), "`format`: expected 1"),
        (lambda content: content.replace(b'"vectors": [1', b'"vectors": [2'), "`size`: expected as many bytes"),
        (lambda content: content.replace(b'"size": 16', b'"size": 0'), "`size`: expected as many bytes"),
        (lambda content: content.replace(b'"space": "', b'"space": "0'), "`space`: expected "),
        (lambda content: content.replace(b'"names"', b'"more": 1, "names"'), "`more`: expected no such field"),
        (lambda content: content.replace(b'"Bob"', b'"Ada"'), "`names`: expected each name once"),
        (lambda content: content.replace(b', "Bob"', b""), "`names`: expected each name once"),
        (lambda content: content.replace(b"[1, 1]", b"[2, 0]"), "`names`: expected each name once"),
    ],
)
def test_a_changed_file_is_refused_by_name(device: Device, change: Callable[[bytes], bytes], expected: str) -> None:
    device.recogniser().enrol("Ada", samples(ADA))
    device.recogniser().enrol("Bob", samples(BOB))
    (file,) = files_of(device)
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(SettingsError, match=r"\.gallery`: ") as refusal:
        name_of(device, ADA)
    assert expected in str(refusal.value)
    assert str(refusal.value).endswith("; remove it and enrol again")


def test_names_that_are_enrolled_at_once_are_all_there(device: Device) -> None:
    predictor = device.predictor()

    def enrol(number: int) -> None:
        Recogniser(GalleryStore(device.home), predictor).enrol(f"name {number}", samples(picture(number)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enrol, range(24)))
    listed = GalleryStore(device.home).listing(space_in(device))["names"]
    assert {one["name"] for one in listed} == {f"name {number}" for number in range(24)}


def test_a_gallery_has_a_bounded_number_of_names(device: Device) -> None:
    recogniser, space = device.recogniser(), space_in(device)
    vector = np.eye(1, 16, dtype=np.float32)
    names = {str(number): EnrolledName(str(number), "", vector) for number in range(MOST_NAMES)}
    GalleryStore(device.home).change(space, lambda _: DeviceGallery(space, 16, names))
    with pytest.raises(WrongInputError, match=f"expected at most {MOST_NAMES} names"):
        recogniser.enrol("one more", samples(ADA))
    recogniser.enrol("5", samples(ADA))
    assert name_of(device, ADA) == "5"


def test_a_name_is_forgotten_for_all_models(device: Device, world: World, make_release: MakeRelease) -> None:
    device.recogniser().enrol("Ada", samples(ADA))
    device.recogniser().enrol("Bob", samples(BOB))
    world.publish(make_release(order=1), 2)
    device.update()
    device.recogniser().enrol("Ada", samples(ADA))
    store = GalleryStore(device.home)
    assert store.forget("Ada", space_in(device)) == 2
    assert [read_gallery(file).names.keys() for file in files_of(device)] == [{"Bob"}]
    with pytest.raises(WrongInputError, match="`Ada`: expected a name that is enrolled"):
        store.forget("Ada", space_in(device))
    store.forget("Bob", space_in(device))
    assert not files_of(device)


def test_a_gallery_of_one_release_is_never_compared_with_vectors_of_another(
    device: Device, world: World, make_release: MakeRelease
) -> None:
    device.recogniser().enrol("Ada", samples(ADA))
    device.recogniser().enrol("Bob", samples(BOB))
    world.publish(make_release(order=1), 2)
    device.update()
    with pytest.raises(EnrolmentError, match=r"enrolled with version 2 .* got 2 of another model alone; enrol"):
        name_of(device, ADA)
    answer = device.recogniser().enrol("Ada", samples(ADA))
    assert (answer["enrol_again"], answer["nearest"]) == (1, None)
    (found,) = device.recogniser().identify(samples(BOB))
    assert (found["name"], found["nearest"], found["enrol_again"]) == (None, "Ada", 1)
    assert GalleryStore(device.home).listing(space_in(device))["enrol_again"] == ["Bob"]


def test_a_rollback_finds_the_gallery_of_the_release_before(
    device: Device, world: World, make_release: MakeRelease
) -> None:
    device.recogniser().enrol("Ada", samples(ADA))
    world.publish(make_release(order=1), 2)
    device.update()
    device.recogniser().enrol("Ada", samples(EVE))
    device.roll_back()
    assert (name_of(device, ADA), name_of(device, EVE)) == ("Ada", None)


def test_a_release_with_another_threshold_alone_keeps_the_gallery(
    device: Device, world: World, make_release: MakeRelease
) -> None:
    device.recogniser().enrol("Ada", samples(ADA))
    world.publish(make_release(verify=VerifyRules(0.999, 0.001)), 2)
    device.update()
    (answer,) = device.recogniser().identify(samples(like(ADA)))
    assert (answer["name"], answer["nearest"], answer["threshold"]) == (None, "Ada", 0.999)
    assert "enrol_again" not in answer


def test_the_space_is_of_the_model_and_of_how_samples_become_its_inputs(device: Device) -> None:
    manifest = device.predictor().manifest
    other = replace(manifest, files=tuple(replace(file, sha256="0" * 64) for file in manifest.files))
    card = tuple(file for file in manifest.files if file.name == MODEL)
    preprocessing = {**manifest.preprocessing, "size": [4, 4]}
    assert space_of(replace(manifest, files=card, name="other", verify=None, data_version="other")) == space_of(
        manifest
    )
    assert len({*map(space_of, (manifest, other, replace(manifest, preprocessing=preprocessing)))}) == 3


def test_an_old_gallery_goes_when_all_are_enrolled_anew_and_nothing_could_go_back_to_it(
    device: Device, world: World, make_release: MakeRelease
) -> None:
    for name, one in (("Ada", ADA), ("Bob", BOB)):
        device.recogniser().enrol(name, samples(one))
    (oldest,) = files_of(device)
    world.publish(make_release(order=1), 2)
    device.update()
    for name, one in (("Ada", ADA), ("Bob", BOB)):
        device.recogniser().enrol(name, samples(one))
    assert oldest in files_of(device)  # a rollback could use it
    world.publish(make_release(order=2), 3)
    device.update()
    device.recogniser().enrol("Ada", samples(ADA))
    assert oldest in files_of(device)  # Bob is not enrolled anew
    device.recogniser().enrol("Bob", samples(BOB))
    assert oldest not in files_of(device)
    assert len(files_of(device)) == 2


def test_a_release_for_which_no_threshold_was_found_takes_nobody_for_anybody(
    tmp_path: Path, make_release: MakeRelease
) -> None:
    world = World()
    world.publish(make_release(verify=VerifyRules(None, 0.001)), 1)
    device = set_up(tmp_path / "unsure", world)
    device.update()
    device.recogniser().enrol("Ada", samples(ADA))
    (answer,) = device.recogniser().identify(samples(ADA))
    assert (answer["name"], answer["nearest"], answer["threshold"]) == (None, "Ada", None)
    assert device.recogniser().verify(samples(ADA, ADA))["same"] is False


def test_a_release_without_rules_compares_nothing(tmp_path: Path, make_release: MakeRelease) -> None:
    world = World()
    world.publish(make_release(verify=None), 1)
    device = set_up(tmp_path / "plain", world)
    device.update()
    with pytest.raises(SettingsError, match="`tiny`: expected a release that compares, got one without `verify`"):
        device.recogniser()


@pytest.mark.parametrize("length", [2.0, 0.0, float("nan")])
def test_vectors_that_are_not_of_length_one_are_refused(
    tmp_path: Path, make_release: MakeRelease, length: float
) -> None:
    world = World()
    world.publish(make_release(), 1)
    device = set_up(tmp_path / "euclidean", world)
    device.update()
    predictor = device.predictor()
    predictor.session = Session(directions(length=length))  # such a release would not pass its self-test
    recogniser = Recogniser(GalleryStore(device.home), predictor)
    for ask in (recogniser.identify, recogniser.verify, partial(recogniser.enrol, "Ada")):
        with pytest.raises(ModelError, match=rf"expected vectors of length 1, .* got {length:.3g} to {length:.3g};"):
            ask(samples(ADA, BOB))
    assert not device.home.galleries.exists()


def test_one_of_a_thousand_is_identified_within_milliseconds(tmp_path: Path, make_release: MakeRelease) -> None:
    side, world = 8, World()
    world.publish(make_release(side=side), 1)
    device = set_up(tmp_path / "crowd", world)
    device.update()
    predictor, recogniser = device.predictor(), device.recogniser()
    every = vectors_of(predictor, samples(*[picture(number, side) for number in range(1000)]))
    most = {f"name {number}": EnrolledName(f"name {number}", "", every[number : number + 1]) for number in range(900)}
    GalleryStore(device.home).change(space_in(device), lambda _: DeviceGallery(space_in(device), side**2, most))
    for number in range(900, 1000):
        recogniser.enrol(f"name {number}", samples(picture(number, side)))
    (vector,) = vectors_of(predictor, samples(like(picture(777, side))))
    times, space = [], space_in(device)
    for _ in range(20):
        started = perf_counter()
        gallery = GalleryStore(device.home).read(space)  # as a command does: the file is read as well
        assert gallery
        assert len(gallery.names) == 1000
        (found,) = gallery.nearest(vector[np.newaxis])
        times.append(perf_counter() - started)
        assert found
        assert found.name == "name 777"
    LOG.info("1000 names of %d numbers: %.2f ms beside the network", side**2, min(times) * 1e3)
    assert min(times) < 0.005
