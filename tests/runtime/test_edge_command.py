import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tasks.runtime.cli import main
from tasks.runtime.device import Device
from tests.runtime.devices import PICTURE
from tests.runtime.tuf_world import World

Capture = pytest.CaptureFixture[str]


def refused(home: Path, *arguments: str, capsys: Capture) -> tuple[int, str]:
    """Runs a command that fails; returns its exit code and the one line that it says."""
    with pytest.raises(SystemExit) as ended:
        main(["--home", str(home), *arguments])
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert isinstance(ended.value.code, int)
    return ended.value.code, said[0]


def test_run_predicts_from_a_file_and_says_what_it_expects_of_one(
    device: Device, tmp_path: Path, capsys: Capture
) -> None:
    home, file = device.home.path, tmp_path / "samples.npy"
    np.save(file, np.repeat(PICTURE, 3, axis=0))
    main(["--home", str(home), "run", str(file)])
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["label"] for answer in said] == ["one 2"] * 3
    np.save(file, PICTURE.astype(np.float64))
    code, said_wrong = refused(home, "run", str(file), capsys=capsys)
    assert (code, said_wrong.startswith("`inputs`: expected uint8, got float64")) == (2, True)
    np.save(file, PICTURE[0])
    code, said_wrong = refused(home, "run", str(file), capsys=capsys)
    assert (code, "expected shape ('any', 1, 2, 2), got (1, 2, 2)" in said_wrong) == (2, True)
    code, said_wrong = refused(home, "run", str(tmp_path / "none.npy"), capsys=capsys)
    assert (code, "expected a file with samples, got none" in said_wrong) == (2, True)


def test_options_stand_before_or_after_the_command(device: Device, capsys: Capture) -> None:
    home = ["--home", str(device.home.path)]
    main([*home, "status", "--json"])
    before = capsys.readouterr().out
    main(["status", "--json", *home])
    assert capsys.readouterr().out == before
    with pytest.raises(Exception, match="expected the settings of a device"):
        main(["status", "--debug", "--home", str(device.home.path / "none")])


def test_odd_files_end_with_one_message(device: Device, tmp_path: Path, capsys: Capture) -> None:
    for name, content in {"a.npy": b"\x93NUMPY\x01\x00\xff", "b.npz": b"PK\x03\x04", "c.csv": b"", "d": b"\0"}.items():
        (tmp_path / name).write_bytes(content)
        code, said = refused(device.home.path, "run", str(tmp_path / name), capsys=capsys)
        assert (code, said.startswith(f"`{tmp_path / name}`: `inputs`: expected ")) == (2, True)
    code, said = refused(device.home.path, "run", str(tmp_path), capsys=capsys)
    assert (code, "expected a file with samples" in said) == (2, True)


def test_run_reads_standard_input(device: Device) -> None:
    asked = [sys.executable, "-m", "tasks.runtime", "--home", str(device.home.path), "run"]
    ended = subprocess.run(asked, check=True, capture_output=True, input=b"[[[[1, 2], [3, 4]]]]")
    assert json.loads(ended.stdout)["label"] == "one 2"


def test_status_is_for_people_and_for_machines(device: Device, capsys: Capture) -> None:
    main(["--home", str(device.home.path), "status"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tiny from http://channel.example/edge"
    assert "version 1 since " in lines[1]
    assert [line.split()[-1] for line in lines[2:4]] == ["nothing", "nothing"]
    main(["--home", str(device.home.path), "status", "--json"])
    status = json.loads(capsys.readouterr().out)
    assert (status["running"]["version"], status["previous"], status["held_out"]) == (1, None, None)


def test_commands_on_a_device_that_was_not_set_up_say_what_to_do(tmp_path: Path, capsys: Capture) -> None:
    for command in ("update", "run", "rollback", "status", "serve"):
        code, said = refused(tmp_path, command, capsys=capsys)
        assert (code, said.endswith("got no file; run `stillhouse-edge init`")) == (2, True)


def test_nothing_but_the_message_is_said_unless_asked_for(tmp_path: Path, world: World, capsys: Capture) -> None:
    (tmp_path / "root.json").write_bytes(world.anchor)
    home, root = tmp_path / "home", str(tmp_path / "root.json")
    main(["--home", str(home), "init", "http://127.0.0.1:9/edge", "--model", "tiny", "--root", root])
    capsys.readouterr()
    code, said = refused(home, "update", capsys=capsys)
    assert (code, "the model stays; try again with a network" in said) == (1, True)
    code, said = refused(home, "run", capsys=capsys)
    assert (code, "expected a release to run, got none; run `stillhouse-edge update`" in said) == (1, True)
    with pytest.raises(Exception, match="the model stays"):
        main(["--home", str(home), "--debug", "update"])
    code, said = refused(home, "init", "file:///etc", "--model", "tiny", "--root", root, capsys=capsys)
    assert (code, "`channel`: expected an http or https address" in said) == (2, True)
