"""Weekly data with a category that no release knows: the run goes on, the gate compares, the device says so."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.runtime.bundle.predictor import Predictor
from tests.flows.conftest import make_project
from tests.flows.tiny import RECIPE, write_tiny

pytestmark = pytest.mark.slow


def test_a_new_category_goes_through_the_run_the_gate_and_the_report(tmp_path: Path, prefect_api: str) -> None:
    project = replace(make_project(tmp_path), api=prefect_api)
    write_tiny(project.root)
    rows = project.root / "rows.csv"
    header, *lines = rows.read_text().splitlines()
    lines = [f"{'red' if number % 3 else 'blue'},{line}" for number, line in enumerate(lines)]
    rows.write_text("\n".join([f"colour,{header}", *lines]) + "\n")
    reader = "reader: {kind: table, label: label, categorical: [colour]}"
    recipe = RECIPE.replace("reader: {kind: table, label: label}", reader)
    (project.root / "params/tiny.yaml").write_text(recipe)
    done = project.stillhouse("run", "params/tiny.yaml")
    assert done.code == 0, done.err
    assert "new since" not in done.out
    with rows.open("a") as stream:
        stream.writelines(f"teal,{20 + number / 7:.2f},{90 + number / 3:.2f},good\n" for number in range(24))
    done = project.stillhouse("run", "params/tiny.yaml")
    assert done.code == 0, done.err
    news = "`colour` `teal` in 24 rows (row 00000301, row 00000302, row 00000303, ...)"
    assert f"new since the latest release: {news}" in " ".join(done.out.split())
    shipped = project.registered("tiny", 2)
    assert news.replace("`", "") in (shipped / "card.md").read_text().replace("`", "").replace("\\", "")
    (facts,) = json.loads(project.stillhouse("lineage", "--model", "tiny", "--version", "2", "--json").out)
    (gate,) = [one for one in facts["ancestors"] if one["kind"] == "gate"]
    assert "against version 1" in gate["not_worse_than_champion"]
    before, now = (Predictor.from_bundle(project.registered("tiny", version)) for version in (1, 2))
    row = b"colour,temperature,speed\nteal,21.5,95\n"
    told = "`colour`: `teal` is in no sample that the model was trained with"
    assert before.answer(before.preprocessor.from_file(row))[0]["notes"] == [told]
    assert "notes" not in now.answer(now.preprocessor.from_file(row))[0]
    assert project.stillhouse("run", "params/tiny.yaml").out.startswith("tiny: nothing changed since ")
