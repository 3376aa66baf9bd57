from collections.abc import Mapping
from pathlib import Path

import pytest

from params.distill import Distill
from params.models import Cnn
from params.objectives import Dkd, Kl
from tasks.core import fingerprint, source
from tasks.core.fingerprint import Ingredients, explain, flatten, names_in, source_files, stage_fingerprint
from tasks.core.record import Artefact, Record

STUDENT = "tasks.distill.task:distill_student"
TEACHER = "tasks.distill.teachers.task:train_teacher"


def ingredients(**changes: object) -> Ingredients:
    recipe = flatten({"distill": {"temperature": 4.0, "alpha": 0.1}})
    code = {"tasks/distill/loss.py": "1"}
    whole = {"recipe": recipe, "data": {"version": "aaa"}, "code": code, "libraries": {"torch": "2.13.0"}}
    return Ingredients.model_validate(whole | changes)


def artefact(uri: str = "file:///a", sha256: str = "1") -> Artefact:
    return Artefact(uri=uri, sha256=sha256, size=1)


def test_equal_inputs_give_an_equal_fingerprint() -> None:
    first = stage_fingerprint(STUDENT, {"distillation": Distill(), "seed": 0}, ("torch",))
    assert first == stage_fingerprint(STUDENT, {"seed": 0, "distillation": Distill()}, ("torch",))


@pytest.mark.parametrize(
    ("task", "inputs", "libraries"),
    [
        (STUDENT, {"distillation": Distill(temperature=2), "seed": 0}, ("torch",)),
        (STUDENT, {"distillation": Distill(), "seed": 1}, ("torch",)),
        (TEACHER, {"distillation": Distill(), "seed": 0}, ("torch",)),
        (STUDENT, {"distillation": Distill(), "seed": 0}, ("torch", "numpy")),
    ],
)
def test_whatever_can_change_a_number_changes_the_fingerprint(
    task: str, inputs: dict[str, object], libraries: tuple[str, ...]
) -> None:
    assert stage_fingerprint(task, inputs, libraries) != stage_fingerprint(
        STUDENT, {"distillation": Distill(), "seed": 0}, ("torch",)
    )


def test_a_record_counts_by_its_bytes_and_not_by_its_place() -> None:
    here = stage_fingerprint(STUDENT, {"weights": artefact("file:///a")}, ())
    assert here == stage_fingerprint(STUDENT, {"weights": artefact("s3://b")}, ())
    assert here != stage_fingerprint(STUDENT, {"weights": artefact(sha256="2")}, ())


class Before(Record):
    size: int = 0


class After(Record):
    size: int = 0
    flag: bool = False
    name: str | None = None
    steps: tuple[int, ...] = ()


def test_a_new_field_that_is_off_changes_no_digest() -> None:
    assert Before().digest == After().digest
    assert len({After().digest, After(flag=True).digest, After(name="a").digest, After(steps=(0,)).digest}) == 4


def test_names_are_those_of_kinds_tasks_and_layouts_wherever_they_are() -> None:
    distill = Distill(objectives=(Kl(kind="kl"), Dkd(kind="dkd")))
    assert names_in(distill, {"architecture": [Cnn(kind="cnn", channels=(8,))]}, "hint") == {"kl", "dkd", "cnn"}


def test_a_change_is_explained() -> None:
    now = ingredients(
        recipe=flatten({"distill": {"temperature": 2.0, "alpha": 0.1}}),
        data={"version": "bbb"},
        code={"tasks/distill/loss.py": "2"},
        libraries={"torch": "2.14.0"},
    )
    assert explain(ingredients(), now) == (
        "`distill.temperature` 4.0 -> 2.0",
        "data version aaa -> bbb",
        "code of `tasks/distill/loss.py`",
        "library torch 2.13.0 -> 2.14.0",
    )
    assert explain(ingredients(), ingredients()) == ()


def test_changes_of_many_files_are_explained_in_few_lines() -> None:
    changes = explain(ingredients(code={f"{n}.py": "1" for n in range(9)}), ingredients(code={}))
    assert changes == (*(f"code of `{n}.py`" for n in range(3)), "code of 6 more files")


FILES = {
    "stage/task.py": """
from tasks.core.errors import mismatch
from tasks.models.b import f
from tasks.other.c import g
from params.section import Section

def help_it():
    return f

def work(value: Section):
    return help_it()

def other_work():
    return g
""",
    "models/b.py": """
from typing import TYPE_CHECKING
from .e import h
if TYPE_CHECKING:
    from tasks.other.types import T
def f():
    "Doc."
    return load("tasks.parts.{}", name), part(name, "loss", LossPart)
""",
    "models/e.py": "def h():\n    return 1\n",
    "models/unused.py": "z = 1\n",
    "other/c.py": "y = 1\n",
    "other/types.py": "y = 1\n",
    "core/errors.py": "x = 1\n",
    "parts/hint.py": "from tasks.parts.shared import x\n",
    "parts/other.py": "x = 1\n",
    "parts/shared.py": "x = 1\n",
    "kinds/boxes/loss.py": "x = 1\n",
    "kinds/boxes/figures.py": "x = 1\n",
}
USED = {"task": "stage/task.py", "own": "models/b.py", "relative": "models/e.py"}
PARTS = ("parts/hint.py", "parts/shared.py", "kinds/boxes/loss.py")
UNUSED = (
    "models/unused.py",
    "other/c.py",
    "other/types.py",
    "core/errors.py",
    "parts/other.py",
    "kinds/boxes/figures.py",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path, name, text)
    write(tmp_path, "../params/section.py", "class Section: ...\n")
    return tmp_path


def write(project: Path, name: str, text: str) -> None:
    path = project / "tasks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def files(project: Path, *names: str) -> Mapping[str, str]:
    for cached in (source_files, fingerprint._file_of):
        cached.cache_clear()
    source.forget()
    return source_files("tasks.stage.task:work", frozenset(names), project)


def test_source_is_what_the_function_uses_and_the_parts_that_are_named(project: Path) -> None:
    assert files(project) == {
        f: d for f, d in files(project, "hint", "boxes").items() if f.split("/", 1)[1] in USED.values()
    }
    assert set(files(project, "hint", "boxes")) == {f"tasks/{name}" for name in (*USED.values(), *PARTS)}


@pytest.mark.parametrize("name", [*USED.values(), *PARTS])
def test_code_of_a_file_that_is_used_counts(project: Path, name: str) -> None:
    before = files(project, "hint", "boxes")
    changed = FILES[name].replace("1", "2").replace("return ", "return not ") + (
        "" if "return" in FILES[name] else "w = 1\n"
    )
    write(project, name, changed)
    assert {f for f, d in files(project, "hint", "boxes").items() if before[f] != d} == {f"tasks/{name}"}


@pytest.mark.parametrize("name", [*UNUSED, "parts/new.py", "kinds/new/loss.py"])
def test_code_of_a_file_that_is_not_used_does_not_count(project: Path, name: str) -> None:
    before = files(project, "hint", "boxes")
    write(project, name, "y = 3\n")
    assert files(project, "hint", "boxes") == before


def test_another_function_of_the_task_file_does_not_count(project: Path) -> None:
    before = files(project)
    write(project, "stage/task.py", FILES["stage/task.py"].replace("return g", "return g + 1"))
    assert files(project) == before


def test_comments_and_docstrings_do_not_count(project: Path) -> None:
    before = files(project)
    write(project, "models/b.py", '"""New."""\n# why\n' + FILES["models/b.py"].replace('"Doc."', '"Other."'))
    assert files(project) == before
