"""`stillhouse gc` on a project that ran for real: what is not needed goes, and what is needed goes on working."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Project, Said, make_project

pytestmark = pytest.mark.slow
RUN = ("run", "params/digits.yaml")
ANY = "not_worse_than_baseline: false, better_than_constant: false"
QUICK = (
    ("epochs: 60", "epochs: 2"),
    ("epochs: 40", "epochs: 4"),
    ("quality: {accuracy: 0.9}, agreement: 0.9", f"not_worse_than_champion: false, {ANY}"),
    ("quality: {accuracy: 0.9, recall.worst: 0.7}, p95_ms: 5", f"quality: {{accuracy: 0.1}}, {ANY}"),
)
KILLED = """
import os, sys
left = int(sys.argv.pop(1))
def watch(event, _arguments):
    global left
    left -= event == "shutil.rmtree"
    if not left:
        os._exit(9)
sys.addaudithook(watch)
from cli.main import main
main()
"""
"""the command, killed while it removes its so-manieth folder"""


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> Project:
    """A clone whose recipe takes seconds, with four versions: one on the edge, the last one in staging."""
    project = replace(make_project(tmp_path_factory.mktemp("quick")), api=prefect_api)
    recipe = project.root / "params/digits.yaml"
    text = re.sub(r"candidates:\n(    - .*\n)+", "candidates: [fp16]\n", recipe.read_text())
    for before, after in QUICK:
        text = text.replace(before, after)
    recipe.write_text(text.replace("below_student: {accuracy: 0.005}", "below_student: {accuracy: 1}"))
    done(project.stillhouse(*RUN))
    done(project.stillhouse("approve", "digits", "--to", "edge"))
    done(project.stillhouse(*RUN, "--set", "seed=1", "--set", "data.split.seed=1"))
    done(project.stillhouse(*RUN, "--set", "distill.temperature=2"))
    done(project.stillhouse(*RUN, "--set", "distill.temperature=3"))
    return project


def done(said: Said) -> Said:
    assert said.code == 0, said.err + said.out
    return said


def removed(said: Said) -> dict[str, int]:
    """Kind -> how many things; only kinds of which there were any."""
    counts = re.findall(r"^  (\S.*\S) +([\d,]+) +[\d,]+ bytes$", done(said).out, re.MULTILINE)
    return {kind: int(count.replace(",", "")) for kind, count in counts if count != "0"}


def views(project: Project) -> int:
    return len([*(project.root / ".stillhouse/soft-labels").glob("[!.]*")])


def test_nothing_goes_where_everything_is_needed(quick: Project) -> None:
    assert removed(quick.stillhouse("gc")) == {}
    assert views(quick) == 2


def test_what_no_version_needs_goes_and_a_dry_run_says_it_before(quick: Project) -> None:
    state = quick.root / ".stillhouse"
    (state / "soft-labels/.view.0123abcd").mkdir()
    (state / "work/lost").mkdir()
    shutil.copytree(next((state / "variants").iterdir()), state / "variants/digits-00000000", symlinks=True)
    (state / "variants/digits-00000000/dvc.lock").unlink()
    expected = {"data variants": 1, "leftovers of interruptions": 2}
    assert removed(quick.stillhouse("gc", "--dry-run")) == expected
    assert removed(quick.stillhouse("gc")) == expected
    assert removed(quick.stillhouse("gc")) == {}


def test_a_version_in_use_is_kept_and_the_message_says_by_what(quick: Project) -> None:
    said = quick.stillhouse("gc", "--model", "digits", "--version", "1")
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert "`digits`: `version 1`: expected one that nothing points to, got one in `edge`" in said.err
    assert quick.stillhouse("gc", "--model", "digits").code == 2


def test_old_versions_go_with_all_that_only_they_need_even_when_that_is_cut_off_again_and_again(quick: Project) -> None:
    planned = quick.stillhouse("gc", "--dry-run", "--keep", "1")
    assert "would be removed: digits version 2" in planned.out
    counts = removed(planned)
    # A run for each of its seven stages, and their parent; its data; its soft labels; itself and its teacher.
    assert (counts["runs in MLflow"], counts["models in MLflow"]) == (8, 1)
    assert (counts["data variants"], counts["views of soft labels"], counts["versions in MLflow"]) == (1, 1, 2)
    for folders in (1, 4, 2):
        assert quick.python("-c", KILLED, str(folders), "gc", "--keep", "1").code == 9
    assert removed(quick.stillhouse("gc")) != {}
    assert removed(quick.stillhouse("gc", "--keep", "1")) == {}
    assert views(quick) == 1


def test_what_is_left_is_whole_and_there_is_still_nothing_to_do(quick: Project) -> None:
    for arguments in (("edge",), ("staging",), ("--model", "digits", "--version", "3")):
        said = done(quick.stillhouse("lineage", *arguments, "--verify"))
        assert re.search(r"(\d+) of \1 files are there", said.out)
    assert "Nothing to do" in done(quick.stillhouse(*RUN, "--set", "distill.temperature=3")).out
    assert "the chain holds" in done(quick.stillhouse("audit")).out


def test_a_removed_version_is_told_of_and_cannot_come_back(quick: Project) -> None:
    assert re.search(r"removed +2 .* older than the newest 1", quick.stillhouse("history", "digits").out)
    said = done(quick.stillhouse("lineage", "--model", "digits", "--version", "2", "--verify"))
    assert re.search(r"^digits version 2, removed .* \(older than the newest 1\)$", said.out, re.MULTILINE)
    (told,) = json.loads(quick.stillhouse("lineage", "--model", "digits", "--version", "2", "--json").out)
    assert told["removed"].startswith("removed ")
    back = quick.stillhouse("promote", "digits", "--to", "staging", "--version", "2")
    assert (back.code, "got one that was removed" in back.err) == (2, True)


def test_a_removed_recipe_made_once_more_is_another_version(quick: Project) -> None:
    said = done(quick.stillhouse(*RUN, "--set", "seed=1", "--set", "data.split.seed=1"))
    assert "digits version 5," in said.out
    with sqlite3.connect(quick.root / ".stillhouse/ledger.db") as connection:
        assert connection.execute("select count(*) from releases").fetchall() == [(5,)]
    assert Path(quick.registered("digits", 5), "model.onnx").is_file()
    assert "staging: version 5" in done(quick.stillhouse("status")).out


def test_gc_keeps_away_from_a_run_that_goes_on(quick: Project) -> None:
    code = """
import sys
from tasks.core.locks import shared
with shared():
    print("here", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=quick.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"here\n"
        said: Any = quick.stillhouse("gc")
        assert (said.code, "expected no other use of the state folder" in said.err) == (1, True)
        worker.kill()
    assert removed(quick.stillhouse("gc")) == {}
