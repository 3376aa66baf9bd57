from pathlib import Path

import pytest

from tasks import source


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / "state"))
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "a.py").write_text("x = 1\n")
    source.forget()
    return tmp_path / "tasks"


def code(package: Path) -> source.Code:
    found = source.code_of(package / "a.py", package)
    source.keep()
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
    (package.parent / "state" / source.KEPT).write_text(content)
    assert code(package) == before
    assert (package.parent / "state" / source.KEPT).stat().st_size > 100


def test_imports_are_full_names_of_our_modules(package: Path) -> None:
    (package / "b").mkdir()
    (package / "b" / "c.py").write_text(
        "import os\nimport tasks.a\nfrom tasks.d import e\nfrom .f import g\nfrom . import h\n"
    )
    imports = set(source.code_of(package / "b" / "c.py", package).imports)
    assert imports >= {"tasks.a", "tasks.d", "tasks.b.f", "tasks.b.h"}
    assert not imports & {"os", "f", "g"}
