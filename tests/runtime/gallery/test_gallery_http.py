"""Recognition and enrolment over HTTP: what is answered, what is refused, and what needs the option."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from tasks.runtime.cli import main
from tests.runtime.devices import set_up
from tests.runtime.gallery.conftest import THRESHOLD, MakeRelease, Picture, like, picture
from tests.runtime.serving import JSON, Served, serving
from tests.runtime.tuf_world import Files, World

PROJECT = Path(__file__).parents[3]
ADA, BOB, EVE = (picture(seed) for seed in (1, 2, 3))
NPY = {"Content-Type": "application/x-npy"}


def body(*pictures: Picture) -> bytes:
    return json.dumps({"inputs": np.concatenate(pictures).tolist()}).encode()


def npy(one: Picture) -> bytes:
    stream = io.BytesIO()
    np.save(stream, one)
    return stream.getvalue()


def form(*pictures: Picture) -> tuple[bytes, dict[str, str]]:
    parts = [b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.npy"\r\n\r\n' + npy(p) for p in pictures]
    return b"\r\n".join([*parts, b"--x--\r\n"]), {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.fixture(scope="module")
def module_world(make_release: MakeRelease) -> World:
    world = World()
    world.publish(make_release(), 1)
    return world


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, module_world: World) -> Iterator[Served]:
    device = set_up(tmp_path_factory.mktemp("served") / "home", module_world)
    device.update()
    with serving(device, "--enroll", "--max-samples", "20") as served:
        yield served


@pytest.fixture(autouse=True)
def nobody_enrolled(request: pytest.FixtureRequest) -> None:
    if "served" in request.fixturenames:
        served: Served = request.getfixturevalue("served")
        for file in served.device.home.galleries.glob("*.gallery"):
            file.unlink()


def matches(served: Served, *pictures: Picture) -> list[dict[str, Any]]:
    status, _, content = served.ask("POST", "/identify", body(*pictures), **JSON)
    assert (status, content["version"]) == (200, 1)
    found: list[dict[str, Any]] = content["matches"]
    return found


def test_who_is_enrolled_over_http_is_identified(served: Served) -> None:
    status, _, content = served.ask("PUT", "/gallery/Ada", body(ADA, like(ADA)), **JSON)
    assert (status, content["name"], content["vectors"], content["before"]) == (200, "Ada", 2, 0)
    known, stranger = matches(served, like(ADA, 5), EVE)
    assert (known["name"], stranger["name"], stranger["nearest"]) == ("Ada", None, "Ada")
    assert stranger["score"] < THRESHOLD < known["score"]


@pytest.mark.parametrize("given", ["npy", "form"])
def test_names_of_all_scripts_and_bodies_of_all_forms_are_taken(served: Served, given: str) -> None:
    content, headers = form(ADA, like(ADA)) if given == "form" else (npy(ADA), NPY)
    status, _, answered = served.ask("PUT", f"/gallery/{quote('प्रिया Rao')}", content, **headers)
    assert (status, answered["name"], answered["vectors"]) == (200, "प्रिया Rao", 2 if given == "form" else 1)
    assert matches(served, ADA)[0]["name"] == "प्रिया Rao"


def test_two_samples_are_verified(served: Served) -> None:
    for asked in ((body(ADA, like(ADA)), JSON), form(ADA, like(ADA))):
        status, _, content = served.ask("POST", "/verify", asked[0], **asked[1])
        assert (status, content["same"], content["threshold"]) == (200, True, THRESHOLD)
    assert served.ask("POST", "/verify", body(ADA, BOB), **JSON)[2]["same"] is False
    status, _, content = served.ask("POST", "/verify", body(ADA), **JSON)
    assert (status, "expected two samples, got 1" in content["error"]) == (400, True)


def test_of_several_files_the_one_that_is_refused_is_said(served: Served) -> None:
    content, headers = form(ADA, ADA)
    cut = content[: content.rindex(b"\x93NUMPY") + 9] + b"\r\n--x--\r\n"
    status, _, answered = served.ask("POST", "/verify", cut, **headers)
    assert (status, answered["error"][:40]) == (400, "file 2 of 2: `inputs`: expected a whole ")


def test_samples_are_verified_against_a_name(served: Served) -> None:
    served.ask("PUT", "/gallery/Ada", body(ADA), **JSON)
    status, _, content = served.ask("POST", "/verify/Ada", body(like(ADA), BOB), **JSON)
    assert (status, [match["same"] for match in content["matches"]]) == (200, [True, False])
    assert served.ask("POST", "/verify/Bob", body(BOB), **JSON)[0] == 404


def test_names_are_listed_and_forgotten(served: Served) -> None:
    served.ask("PUT", "/gallery/Ada", body(ADA), **JSON)
    served.ask("PUT", "/gallery/Bob", body(BOB), **JSON)
    listed = served.ask("GET", "/gallery")[2]
    assert ([one["name"] for one in listed["names"]], listed["enrol_again"]) == (["Ada", "Bob"], [])
    assert served.ask("DELETE", "/gallery/Ada")[2] == {"version": 1, "name": "Ada", "forgotten": 1}
    assert matches(served, ADA)[0]["name"] is None
    status, _, content = served.ask("DELETE", "/gallery/Ada")
    assert (status, "expected a name that is enrolled" in content["error"]) == (404, True)


def test_what_a_command_enrols_and_forgets_the_server_knows_at_once(served: Served, tmp_path: Path) -> None:
    assert matches(served, ADA)[0]["name"] is None
    np.save(tmp_path / "ada.npy", ADA)
    main(["--home", str(served.device.home.path), "enroll", "Ada", str(tmp_path / "ada.npy")])
    assert matches(served, ADA)[0]["name"] == "Ada"
    main(["--home", str(served.device.home.path), "forget", "Ada"])
    assert matches(served, ADA)[0]["name"] is None


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "status", "expected"),
    [
        ("PUT", "/gallery/%20Ada", body(ADA), JSON, 400, "`name`: expected 1 to 100 characters"),
        ("PUT", f"/gallery/{'a' * 101}", body(ADA), JSON, 400, "`name`: expected 1 to 100 characters"),
        ("PUT", "/gallery/Ada", body(*[ADA] * 17), JSON, 400, "`Ada`: expected 1 to 16 samples of a name, got 17"),
        ("PUT", "/gallery/Ada", b"{", JSON, 400, "expected JSON"),
        ("PUT", "/gallery/Ada", b"x", {"Content-Type": "text/xml"}, 415, "`Content-Type`: expected application/json"),
        ("POST", "/identify", body(*[ADA] * 21), JSON, 400, "expected at most 20 samples, got 21"),
        ("DELETE", "/gallery/.a", None, {}, 400, "`name`: expected 1 to 100 characters"),
        ("POST", "/gallery/Ada", body(ADA), JSON, 405, "`/gallery/Ada`"),
        ("GET", "/identify", None, {}, 405, "`/identify`"),
    ],
)
def test_wrong_requests_are_answered_with_what_is_wrong(
    served: Served, method: str, path: str, content: bytes | None, headers: dict[str, str], status: int, expected: str
) -> None:
    got, _, answered = served.ask(method, path, content, **headers)
    assert got == status
    assert expected in answered["error"]
    assert not list(served.device.home.galleries.glob("*.gallery"))


def test_the_document_describes_what_is_answered(served: Served) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    paths = served.ask("GET", "/openapi.json")[2]["paths"]
    asked = [
        ("put", "/gallery/{name}", body(ADA)),
        ("post", "/identify", body(ADA, BOB)),
        ("post", "/verify", body(ADA, BOB)),
        ("post", "/verify/{name}", body(ADA, BOB)),
        ("get", "/gallery", None),
        ("delete", "/gallery/{name}", None),
        ("delete", "/gallery/{name}", None),
    ]
    statuses = []
    for method, path, content in asked:
        status, _, answered = served.ask(method.upper(), path.format(name="Ada"), content, **(JSON if content else {}))
        schema = paths[path][method]["responses"][str(status)]["content"]["application/json"]["schema"]
        jsonschema.validate(answered, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"version": 1}, schema)
        statuses.append(status)
    assert statuses == [200, 200, 200, 200, 200, 200, 404]
    names = paths["/gallery/{name}"]["parameters"][0]["schema"]
    jsonschema.validate("प्रिया Rao", names)
    for name in ("", " Ada", "a/b", ".", "a" * 101):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(name, names)


def test_names_are_not_touched_over_http_unless_the_server_was_started_so(tmp_path: Path, module_world: World) -> None:
    device = set_up(tmp_path / "home", module_world)
    device.update()
    np.save(tmp_path / "ada.npy", ADA)
    main(["--home", str(device.home.path), "enroll", "Ada", str(tmp_path / "ada.npy")])
    with serving(device) as served:
        for method, path, content in (
            ("PUT", "/gallery/Ada", body(EVE)),
            ("GET", "/gallery", None),
            ("DELETE", "/gallery/Ada", None),
        ):
            status, _, answered = served.ask(method, path, content, **(JSON if content else {}))
            assert (status, "started with `--enroll`" in answered["error"]) == (403, True)
        assert [one["name"] for one in matches(served, ADA, EVE)] == ["Ada", None]
        paths = served.ask("GET", "/openapi.json")[2]["paths"]
        assert {"/identify", "/verify", "/verify/{name}"} <= paths.keys()
        assert not {"/gallery", "/gallery/{name}"} & paths.keys()


def test_other_methods_are_refused_with_those_that_are_not(served: Served) -> None:
    status, headers, _ = served.ask("POST", "/gallery/Ada", body(ADA), **JSON)
    assert (status, {*headers["Allow"].split(", ")}) == (405, {"PUT", "DELETE"})


def test_a_server_that_takes_a_new_release_asks_for_enrolment_again(tmp_path: Path, make_release: MakeRelease) -> None:
    world = World()
    world.publish(make_release(), 1)
    device = set_up(tmp_path / "home", world)
    device.update()
    with serving(device, "--enroll") as served:
        served.ask("PUT", "/gallery/Ada", body(ADA), **JSON)
        world.publish(make_release(order=1), 2)
        device.update()
        while served.ask("GET", "/health")[2]["version"] == 1:
            pass
        status, _, answered = served.ask("POST", "/identify", body(ADA), **JSON)
        assert (status, "got 1 of another model alone" in answered["error"]) == (409, True)
        assert served.ask("GET", "/gallery")[2]["enrol_again"] == ["Ada"]
        assert served.ask("PUT", "/gallery/Ada", body(ADA), **JSON)[0] == 200
        answered = served.ask("POST", "/identify", body(ADA), **JSON)[2]
        assert (answered["version"], answered["matches"][0]["name"]) == (2, "Ada")


def test_a_release_that_compares_nothing_has_no_such_routes(tmp_path: Path, make_bundle: Callable[..., Files]) -> None:
    world = World()
    world.publish(make_bundle("one"), 1)
    device = set_up(tmp_path / "home", world)
    device.update()
    with serving(device, "--enroll") as served:
        asked = json.dumps({"inputs": [[[[1, 2], [3, 4]]]] * 2}).encode()
        for method, path in (("POST", "/identify"), ("POST", "/verify"), ("PUT", "/gallery/Ada")):
            status, _, answered = served.ask(method, path, asked, **JSON)
            assert (status, "expected a release that compares" in answered["error"]) == (404, True)
        assert "/identify" not in served.ask("GET", "/openapi.json")[2]["paths"]


@pytest.mark.slow
def test_whatever_the_document_allows_is_answered_as_it_says(served: Served, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{served.port}/openapi.json"]
    options = ["--checks", "all", "--max-examples", "100", "--seed", "1", "--no-color"]
    hooks = os.environ | {"SCHEMATHESIS_HOOKS": "tests.runtime.gallery.hooks", "PYTHONPATH": str(PROJECT)}
    ended = subprocess.run([*command, *options], check=False, cwd=tmp_path, env=hooks, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout[:4000]
