"""Data of a person's own, from `stillhouse init` to a promoted student, and what is said when it is not right."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_wine

from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.preprocess.arrays import read_samples
from tests.data.sequence_files import long_lines, made, write
from tests.flows.digit_pictures import write_digits

pytestmark = pytest.mark.slow
QUICK = ("--set", "teacher.training.epochs=8", "--set", "student.training.epochs=12")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real digits 0 to 2 as PNG files, a folder per class."""
    folder = tmp_path_factory.mktemp("pictures")
    write_digits(folder)
    return folder


@pytest.fixture(scope="module")
def wines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real chemical analyses of wines as CSV, with a column of words."""
    frame: pd.DataFrame = load_wine(as_frame=True).frame
    frame["shelf"] = np.where(frame["hue"] > 1, "upper", "lower")
    frame["target"] = frame["target"].map({0: "barolo", 1: "grignolino", 2: "barbera"})
    frame.loc[::9, "ash"] = np.nan
    frame.loc[::11, "shelf"] = None
    path = tmp_path_factory.mktemp("tables") / "wines.csv"
    frame.to_csv(path, index=False)
    return path


def test_a_folder_per_class_becomes_a_student_and_a_new_picture_is_noticed(own_project: Any, pictures: Path) -> None:
    assert own_project.stillhouse("init", "my-pictures", "--images", str(pictures)).code == 0
    first = own_project.stillhouse("run", "params/my-pictures.yaml", *QUICK)
    assert first.code == 0, first.err + first.out
    assert "promoted to staging: version 1" in first.out
    again = own_project.stillhouse("run", "params/my-pictures.yaml", *QUICK)
    assert "nothing changed" in again.out
    grey = np.random.default_rng(0).integers(0, 255, (8, 8)).astype(np.uint8)
    Image.fromarray(grey).save(pictures / "digit-0" / "new.png")
    later = own_project.stillhouse("run", "params/my-pictures.yaml", *QUICK)
    assert later.code in (0, 1), later.err
    assert re.search(r"running because data source (\d+) files \(\w+\) -> \d+ files \(\w+\)", later.out)
    before, now = re.search(r"data \S+ \((\d+) -> (\d+) samples\)", later.out).groups()  # type: ignore[union-attr]
    assert int(now) == int(before) + 1
    assert later.stages["data"] == later.stages["teacher"] == "done"


def test_an_unreadable_picture_is_one_message_that_names_it(own_project: Any, pictures: Path) -> None:
    (pictures / "digit-1" / "broken.png").write_bytes(b"no picture")
    said = own_project.stillhouse("run", "params/my-pictures.yaml", *QUICK)
    (pictures / "digit-1" / "broken.png").unlink()
    assert said.code == 2
    assert "digit-1/broken.png" in said.err
    assert "Traceback" not in said.err + said.out


def test_a_table_becomes_a_student(own_project: Any, wines: Path) -> None:
    said = own_project.stillhouse("init", "my-wines", "--table", str(wines))
    assert said.code == 0, said.err
    first = own_project.stillhouse("run", "params/my-wines.yaml", *QUICK)
    assert first.code in (0, 1), first.err
    assert set(first.stages.values()) == {"done"}
    assert "178 samples, version" in first.out
    # What ships answers the raw rows of the test split as evaluation said.
    said_of_test = re.search(r"test accuracy (0\.\d+)", first.out)
    assert said_of_test
    answers, labels = _answers(own_project.root, wines)
    right = sum(answer["label"] == label for answer, label in zip(answers, labels, strict=True))
    assert f"{right / len(labels):.4f}" == said_of_test[1]


def _answers(project: Path, table: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Returns what the bundle answers to the rows of the test split as they are in the file, and their labels."""
    header, *lines = table.read_text().splitlines()
    ids = pq.read_table(project / "data/my-wines/prepared/test.parquet")["id"].to_pylist()
    rows = [lines[int(name.split()[1]) - 1] for name in ids]
    (manifest,) = (project / ".stillhouse/artifacts/my-wines").rglob("bundle/manifest.json")
    predictor = Predictor.from_bundle(manifest.parent)
    content = "\n".join([header, *rows]).encode()
    samples = read_samples(content, predictor.session.inputs["inputs"], predictor.preprocessor)
    return predictor.answer(samples), [row.split(",")[header.split(",").index("target")] for row in rows]


def test_sequences_become_a_student_whose_answers_to_the_raw_file_are_those_of_the_evaluation(
    own_project: Any, tmp_path: Path
) -> None:
    some = made(90, seed=3, longest=12)
    some.labels = {name: ("still", "shaken", "None")[n % 3] for n, name in enumerate(some.names)}
    # The label can be learned: each class moves around a place of its own.
    some.frames = {name: frames + n % 3 for n, (name, frames) in enumerate(some.frames.items())}
    write(tmp_path / "walks.csv", long_lines(some, separator=";"))
    said = own_project.stillhouse("init", "my-walks", "--sequences", str(tmp_path / "walks.csv"))
    assert said.code == 0, said.err
    assert "long_table, 90 sequences of 2 features (x0, x1)" in said.out
    first = own_project.stillhouse("run", "params/my-walks.yaml", *QUICK)
    assert first.code in (0, 1), first.err
    assert set(first.stages.values()) == {"done"}
    accuracy = re.search(r"shipped: \S+\s+(\d\.\d+)", first.out)
    assert accuracy
    (bundle,) = own_project.root.glob(".stillhouse/artifacts/my-walks/models/*/artifacts/bundle")
    predictor = Predictor.from_bundle(bundle)
    test = pq.read_table(own_project.root / "data/my-walks/prepared/test.parquet").to_pydict()
    labels = dict(zip(test["id"], test["label"], strict=True))
    header, *lines = long_lines(some)
    rows = [header, *(line for line in lines if line.split(",")[0] in labels)]
    raw = read_samples("\n".join(rows).encode(), predictor.session.inputs["inputs"], predictor.preprocessor)
    names = dict.fromkeys(row.split(",")[0] for row in rows[1:])
    right = [answer["label"] == labels[name] for name, answer in zip(names, predictor.answer(raw), strict=True)]
    assert f"{np.mean(right):.4f}" == accuracy[1]


def test_a_name_that_is_taken_is_refused_and_nothing_is_written(own_project: Any, wines: Path) -> None:
    before = own_project.git("status", "--porcelain")
    said = own_project.stillhouse("init", "digits", "--table", str(wines))
    assert said.code == 2
    assert "digits" in said.err
    assert own_project.git("status", "--porcelain") == before


@pytest.mark.usefixtures("index")
def test_speech_takes_the_same_way_as_pictures(own_project: Any) -> None:
    said = own_project.stillhouse("run", "params/vowels.yaml", *QUICK, "--set", "promote.staging.quality.accuracy=0.5")
    assert said.code in (0, 1), said.err + said.out
    assert set(said.stages.values()) == {"done"}
    assert "640 samples in 9 classes" in said.out
    assert "vowels on 370 test samples" in said.out
