"""From files to a model and back: the installed wheel alone, on the raw test files, scores what the evaluation says."""

import csv
import gzip
import json
import random
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sklearn import datasets

from tasks.contracts.scores import EvaluationRecord
from tests.flows.conftest import Project
from tests.flows.digit_pictures import write_digits
from tests.runtime.devices import set_up
from tests.runtime.tuf_world import World
from tests.runtime.wheels import PROJECT, installed

pytestmark = pytest.mark.slow
RECIPE = """\
seed: 0
data:
  source: {{kind: {source}, path: {path}}}
  reader: {reader}
  split: {{kind: hashed, validation: 0.2, test: 0.2, seed: 0}}
  duplicates: drop
teacher:
  architecture: {{kind: {network}}}
  training: {{epochs: 4, batch_size: 64, learning_rate: 0.01}}
student:
  architecture: {{kind: {network}}}
  training: {{epochs: 4, batch_size: 64, learning_rate: 0.01}}
compress: {{target: {{isa: x86-vnni, threads: 1}}, candidates: [{candidate}]}}
promote:
  staging: {{approval: automatic, parity: 1, not_worse_than_baseline: false, better_than_constant: false}}
  edge: {{approval: manual, requires: staging, parity: 1, not_worse_than_baseline: false, better_than_constant: false}}
"""
TABLE = {"network": "mlp, hidden: [16]", "candidate": "fp32"}
PICTURES = {"network": "cnn, channels: [4, 8]", "candidate": "static_int8"}


@pytest.fixture(scope="module")
def edge(index: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("wheel"), "[images]", "-c", PROJECT / "requirements.lock")


class RoundTrip:
    """A recipe that ran in a clone, and a device with the release that came of it."""

    def __init__(self, project: Project, name: str, edge: Path, folder: Path) -> None:
        said = project.stillhouse("run", f"params/{name}.yaml")
        assert said.code == 0, said.err + said.out
        with sqlite3.connect(project.root / ".stillhouse/ledger.db") as ledger:
            (row,) = ledger.execute("select evaluation from releases where model = ?", [name])
        self.evaluation = EvaluationRecord.model_validate_json(row[0])
        self.test: list[dict[str, Any]] = pq.read_table(
            project.root / "data" / name / "prepared/test.parquet"
        ).to_pylist()
        world = World()
        bundle = {path.name: path.read_bytes() for path in project.registered(name, 1).iterdir()}
        world.publish(bundle, 1, model=name)
        set_up(folder / "home", world, model=name).update()
        self._edge, self._folder, self._home = edge, folder, folder / "home"

    def answers(self, *files: Path) -> list[dict[str, Any]]:
        """Returns what the wheel says of raw files, in a folder where there is nothing of the project."""
        command = map(str, (self._edge / "stillhouse-edge", "run", *files, "--home", self._home))
        printed = subprocess.check_output([*command], cwd=self._folder, text=True)
        return [json.loads(line) for line in printed.splitlines()]

    def require_accuracy(self, answers: Sequence[dict[str, Any]], labels: Sequence[str]) -> None:
        assert len(answers) == len(labels) == len(self.test)
        right = sum(answer["label"] == label for answer, label in zip(answers, labels, strict=True))
        assert right / len(labels) == pytest.approx(self.evaluation.shipped.metrics["accuracy"].value, abs=1e-9)
        assert 1 / len({*labels}) < right / len(labels) < 1


def write_recipe(project: Project, name: str, **parts: str) -> None:
    (project.root / "params" / f"{name}.yaml").write_text(RECIPE.format(**parts))


def test_digits_as_arrays(own_project: Project, edge: Path, tmp_path: Path) -> None:
    trip = RoundTrip(own_project, "digits", edge, tmp_path)
    digits = Path(datasets.__file__).parent / "data/digits.csv.gz"
    lines = gzip.decompress(digits.read_bytes()).decode().splitlines()
    rows = [lines[int(sample["id"].removeprefix("line ")) - 1].split(",") for sample in trip.test]
    (tmp_path / "rows.csv").write_text("".join(f"{','.join(row[:64])}\n" for row in rows))
    trip.require_accuracy(trip.answers(tmp_path / "rows.csv"), [str(int(float(row[64]))) for row in rows])


def write_machines(path: Path) -> None:
    """Writes a table of machines with numbers, categories and gaps; a comma inside a cell, and text beyond ASCII."""
    draw = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["serial", "temperature", "load", "site", "state"])
        for number in range(600):
            bad = draw.random() < 0.4
            heat = "" if draw.random() < 0.1 else f"{draw.gauss(60 + 12 * bad, 9):.1f}"
            load = "" if draw.random() < 0.1 else f"{draw.gauss(40 + 20 * bad, 15):.0f}%"
            site = "" if draw.random() < 0.1 else draw.choice(["Köln", "Lyon, north", "None", "007"])
            writer.writerow([f"m{number}", heat, load, site, "faulty" if bad else "fine"])


def test_a_table_with_categories_and_gaps(own_project: Project, edge: Path, tmp_path: Path) -> None:
    write_machines(own_project.root / "machines.csv")
    reader = "{kind: table, label: state, ignore: [serial], categorical: [site], missing: impute}"
    write_recipe(own_project, "machines", source="file", path="machines.csv", reader=reader, **TABLE)
    trip = RoundTrip(own_project, "machines", edge, tmp_path)
    head, *lines = (own_project.root / "machines.csv").read_text().splitlines()
    raw = [lines[int(sample["id"].removeprefix("row ")) - 1] for sample in trip.test]
    (tmp_path / "rows.csv").write_text("\n".join([head, *raw]) + "\n")
    labels = [line.rpartition(",")[2] for line in raw]
    answers = trip.answers(tmp_path / "rows.csv")
    trip.require_accuracy(answers, labels)
    assert not any("notes" in answer for answer in answers)
    records = [dict(zip(head.split(","), row, strict=True)) for row in csv.reader(raw)]
    (tmp_path / "records.json").write_text(json.dumps({"records": records}))
    assert trip.answers(tmp_path / "records.json") == answers


def test_a_folder_of_pictures(own_project: Project, edge: Path, tmp_path: Path) -> None:
    folder = own_project.root / "pictures"
    folder.mkdir()
    write_digits(folder)
    reader = "{kind: image_folder, size: [8, 8], channels: 1}"
    write_recipe(own_project, "pictures", source="folder", path="pictures", reader=reader, **PICTURES)
    trip = RoundTrip(own_project, "pictures", edge, tmp_path)
    files = [folder / sample["id"] for sample in trip.test]
    trip.require_accuracy(trip.answers(*files), [file.parent.name for file in files])
