from pathlib import Path

import pytest

from params.distill import Distill
from tasks.core import fingerprint, source
from tasks.core.fingerprint import Ingredients, explain, flatten, source_digest, stage_fingerprint
from tasks.core.record import Artefact


def ingredients(**changes: object) -> Ingredients:
    recipe = flatten({"distill": {"temperature": 4.0, "alpha": 0.1}})
    whole = {"recipe": recipe, "data": {"version": "aaa"}, "code": {"distill": "1"}, "libraries": {"torch": "2.13.0"}}
    return Ingredients.model_validate(whole | changes)


def artefact(uri: str = "file:///a", sha256: str = "1") -> Artefact:
    return Artefact(uri=uri, sha256=sha256, size=1)


def test_equal_inputs_give_an_equal_fingerprint() -> None:
    first = stage_fingerprint("distill", {"distillation": Distill(), "seed": 0}, ("torch",))
    assert first == stage_fingerprint("distill", {"seed": 0, "distillation": Distill()}, ("torch",))


@pytest.mark.parametrize(
    ("room", "inputs", "libraries"),
    [
        ("distill", {"distillation": Distill(temperature=2), "seed": 0}, ("torch",)),
        ("distill", {"distillation": Distill(), "seed": 1}, ("torch",)),
        ("teacher", {"distillation": Distill(), "seed": 0}, ("torch",)),
        ("distill", {"distillation": Distill(), "seed": 0}, ("torch", "numpy")),
    ],
)
def test_whatever_can_change_a_number_changes_the_fingerprint(
    room: str, inputs: dict[str, object], libraries: tuple[str, ...]
) -> None:
    assert stage_fingerprint(room, inputs, libraries) != stage_fingerprint(
        "distill", {"distillation": Distill(), "seed": 0}, ("torch",)
    )


def test_a_record_counts_by_its_bytes_and_not_by_its_place() -> None:
    here = stage_fingerprint("distill", {"weights": artefact("file:///a")}, ())
    assert here == stage_fingerprint("distill", {"weights": artefact("s3://b")}, ())
    assert here != stage_fingerprint("distill", {"weights": artefact(sha256="2")}, ())


def test_a_change_is_said_in_words() -> None:
    now = ingredients(
        recipe=flatten({"distill": {"temperature": 2.0, "alpha": 0.1}}),
        data={"version": "bbb"},
        code={"distill": "2"},
        libraries={"torch": "2.14.0"},
    )
    assert explain(ingredients(), now) == (
        "`distill.temperature` 4.0 -> 2.0",
        "data version aaa -> bbb",
        "code of `tasks/distill`",
        "library torch 2.13.0 -> 2.14.0",
    )
    assert explain(ingredients(), ingredients()) == ()


def copied_package(folder: Path) -> Path:
    package = folder / "tasks"
    (package / "distill").mkdir(parents=True)
    (package / "models").mkdir()
    (package / "other").mkdir()
    (package / "distill" / "a.py").write_text("from tasks.models.b import f\nx = 1\n")
    (package / "models" / "b.py").write_text('def f():\n    """Doc."""\n    return 1\n')
    (package / "other" / "c.py").write_text("y = 1\n")
    return package


def digest_after(monkeypatch: pytest.MonkeyPatch, package: Path, file: str, text: str) -> tuple[str, str]:
    monkeypatch.setattr(fingerprint, "PACKAGE", package)
    before = fresh_digest()
    (package / file).write_text(text)
    return before, fresh_digest()


def fresh_digest() -> str:
    for cached in (source_digest, fingerprint._imported):
        cached.cache_clear()
    source.forget()
    digest = source_digest("distill")
    source_digest.cache_clear()
    return digest


def test_code_of_an_imported_room_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = digest_after(monkeypatch, copied_package(tmp_path), "models/b.py", "def f():\n    return 2\n")
    assert before != after


def test_a_file_counts_that_is_imported_by_a_relative_name_from_an_imported_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = copied_package(tmp_path)
    (package / "models" / "b.py").write_text("from .e import f\n")
    (package / "models" / "e.py").write_text("def f():\n    return 1\n")
    before, after = digest_after(monkeypatch, package, "models/e.py", "def f():\n    return 2\n")
    assert before != after


def test_a_file_of_an_imported_room_that_nobody_imports_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = copied_package(tmp_path)
    before, after = digest_after(monkeypatch, package, "models/d.py", "z = 1\n")
    assert before == after


def test_comments_and_docstrings_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '"""New."""\n\n\ndef f():\n    # why\n    return 1\n'
    before, after = digest_after(monkeypatch, copied_package(tmp_path), "models/b.py", text)
    assert before == after


def test_code_of_a_room_that_is_not_imported_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = digest_after(monkeypatch, copied_package(tmp_path), "other/c.py", "y = 2\n")
    assert before == after
