"""The tutorials, command by command as they are written, in a project of a reader's.

A block of Python or YAML that begins with `# PATH` is that file. A block whose first line begins with a program is
commands; any other is what they print, where numbers and digests may be others.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.clone import clone_into
from tasks.data.init.project import new_project
from tests.flows.digit_pictures import write_digits
from tests.runtime.wheels import PROJECT, installed

pytestmark = pytest.mark.slow
TUTORIALS = PROJECT / "docs" / "tutorials"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w./-]+\.(?:py|yaml))\b")
PROGRAM = re.compile(r"(stillhouse|stillhouse-edge|python|make|pip|cd|cp|mkdir) ")
ENDLESS = ("stillhouse schedule", "stillhouse-edge serve", "python -m http.server")
"""they serve until Ctrl-C, so what comes next is typed into another terminal"""
DONE_BEFORE = ("make wheel", "pip install")
"""a test of its own, as it takes minutes"""
TOOLS = ("PREFECT_", "MLFLOW_", "DVC_", "STILLHOUSE_")
NUMBER = re.compile(r"[0-9a-f]{12,}|[\d.,]+")


class Reader:
    """Somebody who does what a tutorial says.

    Attributes:
        folder: where commands are typed.
        printed: all that they have printed.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.printed = folder, ""
        self._serving: list[subprocess.Popen[str]] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith(TOOLS)}
        path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
        made = {"STILLHOUSE_EDGE_HOME": str(folder / "device")}
        self._environment = kept | made | {"PATH": path, "PYTHONPATH": str(PROJECT), "COLUMNS": "200"}

    def follow(self, page: str) -> None:
        """Does what a page says, from its first block to its last."""
        for language, text in FENCE.findall((TUTORIALS / page).read_text(encoding="utf-8")):
            if named := FILE.match(text):
                (self.folder / named[1]).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / named[1]).write_text(text, encoding="utf-8")
            elif not language and PROGRAM.match(text):
                for line in filter(None, text.splitlines()):
                    self.type(line)
            elif not language:
                self.require(text)

    def type(self, line: str) -> None:
        """Types a command."""
        if line.startswith(DONE_BEFORE):
            return
        if line.startswith(ENDLESS):
            if line.startswith("stillhouse schedule"):
                self.leave()  # a recipe has one clock
            self._serve(line)
            return
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )
        self.printed += done.stdout + done.stderr
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"

    def _serve(self, line: str) -> None:
        number = len([*self.folder.glob("served-*.log")])
        log = (self.folder / f"served-{number}.log").open("w+")
        command = ["bash", "-c", f"exec {line}"]
        self._serving.append(
            subprocess.Popen(command, cwd=self.folder, env=self._environment, stdout=log, stderr=log, text=True)
        )
        time.sleep(5)
        assert self._serving[-1].poll() is None, f"{line} ended"

    def wait_for(self, text: str, seconds: float) -> None:
        """Waits until a command that serves has printed a text."""
        end = time.monotonic() + seconds
        while not any(text in path.read_text() for path in self.folder.glob("served-*.log")):
            assert time.monotonic() < end, [path.read_text() for path in self.folder.glob("served-*.log")]
            time.sleep(1)

    def require(self, shown: str) -> None:
        """Fails where a line that is shown was not printed, apart from its numbers."""
        printed = {masked(line) for line in self.printed.splitlines()}
        assert [line for line in shown.splitlines() if line.strip() and masked(line) not in printed] == []

    def leave(self) -> None:
        """Presses Ctrl-C."""
        for process in self._serving:
            process.send_signal(signal.SIGINT)
            process.wait(60)
        self._serving.clear()


def masked(line: str) -> str:
    return " ".join(NUMBER.sub("#", line).split())


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the `stillhouse` of this repository."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "stillhouse").write_text(f'#!/bin/sh\nexec {sys.executable} -m cli.main "$@"\n')
    (folder / "stillhouse").chmod(0o755)
    return folder


@pytest.fixture
def reader(tmp_path: Path, programs: Path) -> Iterator[Reader]:
    """Somebody in a project of their own."""
    new_project(tmp_path / "mine")
    somebody = Reader(tmp_path / "mine", programs)
    yield somebody
    somebody.leave()


def test_a_teacher_from_onnx(reader: Reader) -> None:
    reader.follow("onnx-teacher.md")
    assert "taught version 1" in reader.printed


def test_every_week(reader: Reader) -> None:
    reader.type("stillhouse run params/digits.yaml")
    reader.follow("weekly.md")
    reader.wait_for("nothing changed", 300)


def test_own_pictures_to_a_device(reader: Reader, index: None, programs: Path, tmp_path: Path) -> None:
    edge = installed(tmp_path / "wheel", "[images,serve]", "-c", PROJECT / "requirements.lock")
    (programs / "stillhouse-edge").symlink_to(edge / "stillhouse-edge")
    pictures = reader.folder / "photos" / "parts"
    pictures.mkdir(parents=True)
    write_digits(pictures)
    (reader.folder / "picture.png").write_bytes((pictures / "digit-0" / "0.png").read_bytes())
    reader.follow("own-pictures.md")
    assert "parts version 1" in reader.printed


def test_the_first_run(tmp_path: Path, programs: Path) -> None:
    clone_into(tmp_path / "clone")
    (tmp_path / "clone" / ".venv").symlink_to(sys.prefix)
    (tmp_path / "clone" / ".venv" / "installed").touch()  # newer than the lock, so that nothing is installed again
    reader = Reader(tmp_path / "clone", programs)
    reader.follow("first-run.md")
    assert "nothing changed since" in reader.printed
