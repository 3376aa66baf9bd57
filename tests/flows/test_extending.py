"""What another objective, architecture, pass and kind of task cost: a file or a folder each, a literal in `params/`."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.flows.conftest import Project, Said, make_project

FILES = Path(__file__).parents[1] / "extending" / "files"
ABSOLUTE = 'class Absolute(SoftLabelObjective):\n    kind: Literal["absolute"]\n'
ONE_LAYER = 'class OneLayer(Section):\n    kind: Literal["one_layer"]\n    width: int\n'
JSON_LINES = (
    'class JsonLinesReader(ReaderSection):\n    layout = "vector"\n    kind: Literal["json_lines"]\n    file: str\n'
)
ROUNDED = 'class Rounded(Section):\n    kind: Literal["rounded"] = "rounded"\n    digits: int = 3\n'
LITERALS = {
    "params/objectives.py": (
        ("    Kl\n    | ", "    Absolute\n    | Kl\n    | "),
        ("class LayerPair(Section):", f"{ABSOLUTE}\n\nclass LayerPair(Section):"),
    ),
    "params/models.py": (
        ("\nNetwork = Cnn", "\nNetwork = OneLayer | Cnn"),
        ("class Cnn(Section):", f"{ONE_LAYER}\n\nclass Cnn(Section):"),
    ),
    "params/compress.py": (
        ("NetworkPass = Prune", "NetworkPass = Rounded | Prune"),
        ("class Fp16(Section):", f"{ROUNDED}\n\nclass Fp16(Section):"),
    ),
    "params/readers/__init__.py": (
        ("Reader = Annotated[\n    PixelTable", "Reader = Annotated[\n    JsonLinesReader\n    | PixelTable"),
        ("ALL_COLUMNS, TableReader\n", "ALL_COLUMNS, JsonLinesReader, TableReader\n"),
    ),
    "params/readers/tables.py": (("class TableReader(", f"{JSON_LINES}\n\nclass TableReader("),),
    "params/data.py": (('task: Literal["classification"', 'task: Literal["amount", "classification"'),),
}
"""file -> what is replaced in it, by what"""
ROWS = 400
HEAT: dict[str, Any] = {
    "name": "heat",
    "data": {
        "task": "amount",
        "source": {"kind": "file", "path": "measured/heat.csv"},
        "reader": {"kind": "table", "label": "heat"},
        "split": {"kind": "stratified", "validation": 0.2, "test": 0.2, "seed": 0},
    },
    "teacher": {
        "architecture": {"kind": "mlp", "hidden": [64, 64]},
        "training": {"epochs": 40, "batch_size": 32, "learning_rate": 0.005},
    },
    "student": {
        "architecture": {"kind": "one_layer", "width": 12},
        "training": {"epochs": 60, "batch_size": 32, "learning_rate": 0.01},
    },
    "distill": {"alpha": 0.5, "objectives": [{"kind": "logit_mse"}, {"kind": "absolute"}]},
    "compress": {"candidates": ["fp32", ["rounded"]], "limits": {"below_student": {"r2": 0.05}}},
    "promote": {
        "staging": {"approval": "automatic", "quality": {"r2": 0.7, "absolute_error": 1.0}},
        "edge": {"approval": "manual", "requires": "staging"},
    },
}


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> tuple[Project, Said]:
    """A clone in which digits ran, then four things were added; and what a run of digits prints after that."""
    place = make_project(tmp_path_factory.mktemp("extended"))
    project = Project(place.root, place.connections, prefect_api)
    shorten(project.root / "params" / "digits.yaml")
    first = project.stillhouse("run", "params/digits.yaml")
    assert first.code == 0, first.out + first.err
    shutil.copytree(FILES, project.root, dirs_exist_ok=True)
    for name, changes in LITERALS.items():
        replace(project.root / name, changes)
    return project, project.stillhouse("run", "params/digits.yaml")


def shorten(path: Path) -> None:
    """Gives a recipe a few epochs, and limits that they reach."""
    text = re.sub(r"epochs: \d+", "epochs: 3", path.read_text())
    text = re.sub(r"(accuracy|recall\.worst|agreement): 0\.\d+", r"\1: 0.1", text)
    path.write_text(text.replace("{approval:", "{not_worse_than_baseline: false, approval:"))


def replace(path: Path, changes: tuple[tuple[str, str], ...]) -> None:
    text = path.read_text()
    for before, after in changes:
        assert before in text, f"{path.name} has no `{before}`"
        text = text.replace(before, after, 1)
    path.write_text(text)


def add_recipe(root: Path) -> None:
    """Writes measured data, a recipe for it, and its line in `dvc.yaml`."""
    draws = np.random.default_rng(0)
    values = draws.normal(size=(ROWS, 3))
    heat = 3 * values[:, 0] - 2 * values[:, 1] + np.sin(2 * values[:, 2]) + 0.1 * draws.normal(size=ROWS)
    rows = [",".join(f"{number:.6g}" for number in row) for row in np.column_stack([values, heat])]
    lines = ["current,wind,hour,heat", *rows]
    (root / "measured").mkdir()
    (root / "measured" / "heat.csv").write_text("\n".join(lines) + "\n")
    (root / "params" / "heat.yaml").write_text(yaml.safe_dump(HEAT, sort_keys=False))
    entry = "      heat: {source: measured/heat.csv}\n"
    replace(root / "dvc.yaml", (("  - recipes:\n", "  - recipes:\n" + entry),))


@pytest.mark.parametrize("name", LITERALS)
def test_the_places_of_the_literals_are_there(name: str) -> None:
    text = (FILES.parents[2] / name).read_text()
    assert [before for before, _ in LITERALS[name] if before not in text] == []


def test_nothing_changed_for_a_recipe_that_uses_none_of_them(extended: tuple[Project, Said]) -> None:
    _, again = extended
    assert again.code == 0, again.err
    assert "nothing changed" in again.out


@pytest.mark.slow
def test_a_recipe_takes_the_new_objective_architecture_and_pass(extended: tuple[Project, Said]) -> None:
    project, _ = extended
    chosen = (
        "distill.objectives=[{kind: absolute}]",
        "student.architecture={kind: one_layer, width: 16}",
        "compress.candidates=[fp32, [rounded]]",
    )
    run = project.stillhouse("run", "params/digits.yaml", "-v", *(word for one in chosen for word in ("--set", one)))
    assert run.code in (0, 1), run.err
    assert run.stages["teacher"] == "reused"
    assert run.stages["student"] == "done"
    assert "rounded" in run.out


def test_a_new_kind_runs_from_recipe_to_device(extended: tuple[Project, Said], tmp_path: Path) -> None:
    project, _ = extended
    add_recipe(project.root)
    run = project.stillhouse("run", "params/heat.yaml")
    assert run.code == 0, run.out + run.err
    assert "promoted to staging: version 1" in run.out
    assert "R squared" in run.out
    assert answer_of_a_device(project, tmp_path) == pytest.approx(3.0, abs=1.0)
    audit = project.stillhouse("audit")
    assert audit.code == 0, audit.out + audit.err
    lineage = project.stillhouse("lineage", "staging", "--model", "heat", "--verify")
    assert lineage.code == 0, lineage.out + lineage.err


def answer_of_a_device(project: Project, folder: Path) -> float:
    """Lets a device follow the channel of staging over HTTP, and returns its answer to one row."""
    np.save(folder / "row.npy", np.array([[1.0, 0.0, 0.0]], dtype=np.float32))
    made = project.stillhouse("channel", "init", "staging", "--root-keys", str(folder / "keys"))
    assert made.code == 0, made.err
    channel = project.root / ".stillhouse" / "channel"
    serve = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(serve, cwd=channel, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        address = f"http://127.0.0.1:{server.stdout.readline().partition('port ')[2].split()[0]}/staging"
        anchor = channel / "staging" / "metadata" / "1.root.json"
        edge(project, folder, "init", address, "--model", "heat", "--root", str(anchor))
        edge(project, folder, "update")
        server.terminate()
    return float(json.loads(edge(project, folder, "run", str(folder / "row.npy")))["value"])


def edge(project: Project, folder: Path, *arguments: str) -> str:
    """Runs the command of a device."""
    done = project.python("-m", "tasks.runtime", "--home", str(folder / "device"), *arguments)
    assert done.code == 0, done.err
    return done.out
