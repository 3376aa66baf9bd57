"""Bad arrivals in a run as it is typed, what stays when it is stopped, and a champion below its gate."""

import json
import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.flows.conftest import Project, Said
from tests.flows.digit_pictures import write_digits

pytestmark = pytest.mark.slow
QUICK = ("--set", "teacher.training.epochs=8", "--set", "student.training.epochs=12")
RUN = ("run", "params/arrivals.yaml", *QUICK)
ASK = """
import sys
from pathlib import Path
from flows.run import load
from flows.triggers import ask_triggers
from flows.changes import compare
from tasks.core.environment import prepare_environment
prepare_environment()
project, recipe = load(Path("params/arrivals.yaml"), ["retrain.when=[below_gate]", *sys.argv[1:]])
print(*ask_triggers(project, recipe, compare(project, recipe)))
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real digits 0 to 2 as PNG files, a folder per class, and one file that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    write_digits(folder)
    (folder / "digit-1/broken.png").write_bytes(b"no picture")
    return folder


def arrivals_are(project: Project, bad: str) -> None:
    """Writes into the recipe what becomes of bad samples."""
    path = project.root / "params/arrivals.yaml"
    text = re.sub(r"  arrivals: .*\n", "", path.read_text())
    path.write_text(text.replace("  duplicates: drop", f"  arrivals: {{bad: {bad}}}\n  duplicates: drop"))


@pytest.fixture(scope="module")
def quarantining(own_project: Project, pictures: Path) -> Said:
    """The first run, of a recipe that leaves bad samples out."""
    said = own_project.stillhouse("init", "arrivals", "--images", str(pictures))
    assert said.code == 0, said.err
    arrivals_are(own_project, "quarantine")
    return own_project.stillhouse(*RUN)


def test_a_quarantining_recipe_goes_on_and_says_what_is_left_out_everywhere(
    own_project: Project, quarantining: Said
) -> None:
    said, place = quarantining, "data/arrivals/prepared/quarantine.json"
    assert said.code == 0, said.err + said.out
    assert "promoted to staging: version 1" in said.out
    (line,) = re.findall(r"^  done +data .*", said.out, re.MULTILINE)
    assert f"; in quarantine: 1 sample (1 corrupt), {place}" in line
    assert f"quarantine 1 sample (1 corrupt) of the source are left out: {place}" in said.out
    ((row),) = json.loads((own_project.root / place).read_text())
    assert (row["id"], row["reason"]) == ("digit-1/broken.png", "corrupt")
    checked = own_project.stillhouse("check", "params/arrivals.yaml")
    assert f"quarantine 1 sample (1 corrupt) of the source are left out: {place}" in checked.out
    (report,) = re.findall(r"^report: (.*)", said.out, re.MULTILINE)
    words = "1 sample (1 corrupt), named in quarantine.json of this version"
    assert words in (own_project.root / report).read_text()
    with sqlite3.connect(own_project.root / ".stillhouse/mlflow.db") as connection:
        # Other recipes ran in this project, too, with nobody in quarantine.
        of_this = "runs using (run_uuid) join experiments using (experiment_id) where experiments.name = 'arrivals'"
        asked = f"select value from metrics join {of_this} and metrics.key = 'quarantined'"
        assert connection.execute(asked).fetchall() == [(1.0,)]
        assert connection.execute("select value from tags where key = 'quarantined'").fetchall() == [
            ("1 sample (1 corrupt)",)
        ]
    assert len(list((own_project.root / ".stillhouse/artifacts").rglob("quarantine.json"))) == 1


def test_a_stopping_recipe_leaves_the_champion_and_the_last_good_data(own_project: Project, quarantining: Said) -> None:
    lock, card = own_project.root / "dvc.lock", own_project.root / "data/arrivals/prepared/dataset.json"
    before = lock.read_bytes(), card.read_bytes()
    arrivals_are(own_project, "stop")
    said = own_project.stillhouse(*RUN)
    arrivals_are(own_project, "quarantine")
    assert said.code == 2
    assert "`digit-1/broken.png`: expected an image, got a file that Pillow cannot read" in said.err
    assert "Traceback" not in said.err + said.out
    assert (lock.read_bytes(), card.read_bytes()) == before
    assert "arrivals staging: version 1 since" in own_project.stillhouse("status").out
    assert "nothing changed since" in own_project.stillhouse(*RUN).out


def test_a_champion_that_fresh_labels_speak_against_is_a_reason_to_retrain(
    own_project: Project, quarantining: Said, pictures: Path
) -> None:
    watch = "retrain.below_gate={environment: staging, samples: 24}"
    draw = np.random.default_rng(0)
    zeros = sorted((pictures / "digit-0").glob("*.png"))[:30]
    for number, path in enumerate(zeros):
        noisy = np.asarray(Image.open(path)) + draw.integers(0, 12, (8, 8))
        label = 1 if number < 25 else 0
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(pictures / f"digit-{label}/fresh-{number}.png")
    few = own_project.python("-c", ASK, "retrain.below_gate={environment: staging, samples: 31}")
    assert "but below_gate: 30 fresh samples since staging version 1, 31 are asked for" in few.out, few.err
    nobody = own_project.python("-c", ASK)
    assert re.search("^False .*data source .*, but below_gate: no release leads edge$", nobody.out, re.MULTILINE)
    answer = own_project.python("-c", ASK, watch)
    assert re.fullmatch(
        r"True staging version 1 on 30 fresh samples: accuracy 0\.\d+, its gate asks at least 0\.5\n", answer.out
    ), answer.out + answer.err
    for number in range(25):
        (pictures / f"digit-1/fresh-{number}.png").rename(pictures / f"digit-0/fresh-{number}.png")
    answer = own_project.python("-c", ASK, watch)
    assert re.search(
        r"^False .*, but below_gate: staging version 1 on 30 fresh samples: accuracy \S+, as its gate asks$",
        answer.out,
        re.MULTILINE,
    ), answer.out + answer.err
