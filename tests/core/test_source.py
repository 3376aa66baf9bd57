import subprocess
import sys
from pathlib import Path

import pytest

from tasks.core import source


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / "state"))
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "a.py").write_text("x = 1\n")
    source.forget()
    return tmp_path / "tasks"


def code(package: Path) -> source.Code:
    found = source.code_of(package / "a.py", root=package.parent)
    source.save()
    source.forget()
    return found


def test_a_file_that_is_as_it_was_is_not_parsed_again(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = code(package)
    monkeypatch.setattr("ast.parse", None)
    assert code(package) == before


def test_a_file_of_the_same_size_that_was_written_again_is_parsed_again(package: Path) -> None:
    before = code(package)
    (package / "a.py").write_text("x = 2\n")
    assert code(package).digest != before.digest


@pytest.mark.parametrize("content", ["", "[]", "{", "null"])
def test_a_broken_memory_is_made_anew(package: Path, content: str) -> None:
    before = code(package)
    (package.parent / "state" / source.STORE).write_text(content)
    assert code(package) == before
    assert (package.parent / "state" / source.STORE).stat().st_size > 100


def test_imports_are_full_names_of_our_modules(package: Path) -> None:
    (package / "b").mkdir()
    (package / "b" / "c.py").write_text(
        "import os\nimport tasks.a\nfrom tasks.d import e\nfrom .f import g\nfrom . import h\n"
    )
    imports = set(source.code_of(package / "b" / "c.py", root=package.parent).imports)
    assert imports >= {"tasks.a", "tasks.d", "tasks.b.f", "tasks.b.h"}
    assert not imports & {"os", "f", "g"}


TOGETHER = """
import gc, sys, threading, time
from tasks.core import source
text = (source.ROOT / "tasks/contracts/records.py").read_bytes()
# What lets two threads be in the parser at once: it collects memory, and that hands over to the other.
gc.callbacks.append(lambda phase, _: time.sleep(1e-6) if phase == "stop" else None)
gc.set_threshold(50)
sys.setswitchinterval(1e-6)
done = []
def work():
    for _ in range(40):
        done.append(source.tree_of(text))
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(done))
"""


def test_a_file_is_parsed_while_other_threads_parse() -> None:
    told = subprocess.run([sys.executable, "-c", TOGETHER], capture_output=True, text=True, check=True)
    assert (told.stdout, told.stderr) == ("160\n", "")
