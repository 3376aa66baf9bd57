"""`enroll`, `identify`, `verify`, `forget` and `gallery`, as a person types them."""

import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.runtime.cli import main
from tasks.runtime.device import Device
from tests.runtime.gallery.conftest import THRESHOLD, MakeRelease, Picture, like, picture
from tests.runtime.test_edge_command import refused
from tests.runtime.tuf_world import World

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, str]:
    ada, bob = picture(1), picture(2)
    pictures: dict[str, Picture] = {"ada": ada, "ada again": like(ada), "bob": bob, "eve": picture(3)}
    pictures["both"] = np.concatenate([ada, bob])
    paths = {name: tmp_path / f"{name}.npy" for name in pictures}
    for name, path in paths.items():
        np.save(path, pictures[name])
    return {name: str(path) for name, path in paths.items()}


def said(device: Device, capsys: Capture, *arguments: str) -> list[Any]:
    """Runs a command and returns its lines of JSON."""
    capsys.readouterr()
    main(["--home", str(device.home.path), *arguments])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_enrolled_identified_verified_and_forgotten(device: Device, files: Mapping[str, str], capsys: Capture) -> None:
    (enrolled,) = said(device, capsys, "enroll", "Ada", files["ada"], files["ada again"])
    assert (enrolled["name"], enrolled["vectors"], enrolled["threshold"]) == ("Ada", 2, THRESHOLD)
    assert said(device, capsys, "enroll", "Ada", files["eve"], "--add")[0]["vectors"] == 3
    assert said(device, capsys, "enroll", "Ada", files["ada"])[0]["vectors"] == 1
    answers = said(device, capsys, "identify", files["ada again"], files["both"])
    assert [answer["name"] for answer in answers] == ["Ada", "Ada", None]
    assert answers[2]["nearest"] == "Ada"
    assert said(device, capsys, "verify", files["ada"], files["ada again"])[0]["same"] is True
    assert said(device, capsys, "verify", files["ada"], files["bob"])[0]["same"] is False
    named = said(device, capsys, "verify", "--name", "Ada", files["ada again"], files["bob"])
    assert [(answer["name"], answer["same"]) for answer in named] == [("Ada", True), ("Ada", False)]
    (listed,) = said(device, capsys, "gallery")
    assert [(one["name"], one["vectors"]) for one in listed["names"]] == [("Ada", 1)]
    assert said(device, capsys, "forget", "Ada") == [{"name": "Ada", "forgotten": 1}]
    assert said(device, capsys, "gallery") == [{"names": [], "enrol_again": []}]


def test_refusals_are_one_line_that_names_the_file(
    device: Device, files: Mapping[str, str], tmp_path: Path, capsys: Capture
) -> None:
    home, broken = device.home.path, tmp_path / "broken.npy"
    broken.write_bytes(b"\x93NUMPY")
    for asked, expected in (
        (("enroll", "Ada", files["ada"], str(broken)), f"`{broken}`: `inputs`: expected a whole .npy"),
        (("enroll", "Ada", str(tmp_path / "none")), "expected a file with samples, got none"),
        (
            ("enroll", "a/b", files["ada"]),
            "`name`: expected 1 to 100 characters, no slash and none that does not print",
        ),
        (("verify", files["ada"], files["both"]), "expected two samples, got 3"),
        (("verify", files["ada"]), "expected two samples, got 1"),
        (("verify", "--name", "Bob", files["ada"]), "`Bob`: expected a name that is enrolled, got none"),
        (("forget", "Ada"), "`Ada`: expected a name that is enrolled, got none; see `gallery`"),
    ):
        code, line = refused(home, *asked, capsys=capsys)
        assert (code, expected in line) == (2, True), line
    assert not list(device.home.galleries.glob("*.gallery"))


def test_a_name_is_told_whatever_the_encoding_of_the_output(
    device: Device, files: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding="latin-1"))
    main(["--home", str(device.home.path), "enroll", "Zoë 李", files["ada"]])
    assert b"\\u00eb \\u674e" in printed.getvalue()
    assert json.loads(printed.getvalue())["name"] == "Zoë 李"


def test_an_update_says_who_is_to_be_enrolled_again_and_a_rollback_that_nobody_is(
    device: Device, files: Mapping[str, str], world: World, make_release: MakeRelease, capsys: Capture
) -> None:
    said(device, capsys, "enroll", "Ada", files["ada"])
    world.publish(make_release(order=1), 2)
    device.update()
    code, line = refused(device.home.path, "identify", files["ada"], capsys=capsys)
    assert (code, "got 1 of another model alone; enrol or forget them, or go back" in line) == (1, True)
    assert said(device, capsys, "gallery") == [{"names": [], "enrol_again": ["Ada"]}]
    main(["--home", str(device.home.path), "rollback"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    main(["--home", str(device.home.path), "rollback"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("version 1 -> version 2; ")
    assert lines[1].startswith("1 of the names are enrolled with another model alone: enrol them again")


def test_somebody_can_be_forgotten_though_no_model_runs(
    device: Device, files: Mapping[str, str], capsys: Capture
) -> None:
    said(device, capsys, "enroll", "Ada", files["ada"])
    slot = device.home.slot()
    assert slot
    (device.home.bundle(slot) / "model.onnx").write_bytes(b"rotten")
    assert said(device, capsys, "forget", "Ada") == [{"name": "Ada", "forgotten": 1}]
    (device.home.bundle(slot) / "manifest.json").unlink()
    code, line = refused(device.home.path, "forget", "Ada", capsys=capsys)
    assert (code, "expected a name that is enrolled" in line) == (2, True)
