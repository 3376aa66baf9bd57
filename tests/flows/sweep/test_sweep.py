"""Many students of one teacher for real: on processes, Dask and Ray; killed, and started again."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow import MlflowClient

from infra.services.prefect_server import HOST, free_port
from tests.flows.conftest import TOOLS, Project, Said, make_project
from tests.tracking.reading import events_in, told

pytestmark = pytest.mark.slow
QUICK = ("teacher.training.epochs=2", "student.training.epochs=3", "compress.candidates=[fp32]")
"""beside `promote.staging`, which the last run is not to be refused by"""
OPEN = ("promote.staging={approval: automatic}", "promote.edge={approval: manual, requires: staging}")
CHANNELS, BYTES = "student.architecture.channels", "compress.limits.bytes"


def typed(fields: str, *more: str, search: str = "grid") -> tuple[str, ...]:
    settings = (*QUICK, *OPEN, f"sweep={{search: {search}, fields: {fields}}}")
    return ("sweep", "params/digits.yaml", *(word for one in settings for word in ("--set", one)), *more)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> Project:
    return replace(make_project(tmp_path_factory.mktemp("sweep")), api=prefect_api)


@pytest.fixture(scope="module")
def swept(place: Project) -> Said:
    """Two students, each compressed within limits that it keeps and within limits that nothing keeps."""
    return place.stillhouse(*typed(f"{{{CHANNELS}: [[4, 8], [8, 12]], {BYTES}: [100000, 10]}}"))


@dataclass(frozen=True)
class Line:
    done: str
    what: str


def students(said: Said) -> list[Line]:
    found = re.findall(r"^  (done|reused|failed) +student  +(.*)$", said.out, re.MULTILINE)
    return [Line(done, what) for done, what in found]


def runs_of(place: Project, name: str) -> list[Any]:
    client = MlflowClient(f"sqlite:///{place.root / '.stillhouse/mlflow.db'}")
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    return [run for run in client.search_runs([experiment.experiment_id]) if run.info.run_name == name]


def test_a_student_that_fails_is_listed_with_its_reason_and_the_others_are_compared(swept: Said) -> None:
    assert swept.code == 0, swept.err + swept.out
    assert sorted(line.done for line in students(swept)) == ["done", "done", "failed", "failed"]
    failed = re.findall(r"^failed channels \[(.*)\], bytes 10: .*expected a candidate that keeps", swept.out, re.M)
    assert sorted(failed) == ["4, 8", "8, 12"]
    assert re.findall(r"^ *(\d) channels \[.*\], bytes 100000 .* kept *$", swept.out, re.M) == ["1", "2"]
    assert "4 students in" in swept.out
    assert "Exception" not in swept.err, "workers have nothing to complain about"


def test_teacher_and_soft_labels_are_made_once_and_each_student_once(place: Project, swept: Said) -> None:
    assert len(runs_of(place, "teacher")) == 1
    assert len(runs_of(place, "student")) == 2, "those that differ in their limits only are one student"
    assert len([*(place.root / ".stillhouse/soft-labels").glob("[!.]*")]) == 1


def test_what_workers_do_is_told_as_part_of_the_sweep(place: Project, swept: Said) -> None:
    events = events_in(place.root / ".stillhouse/openlineage.jsonl")
    first = events[: next(n for n, e in enumerate(events) if told([e]) == [("digits.sweep", "COMPLETE")]) + 1]
    assert told(first).count(("digits.sweep.student", "COMPLETE")) == 2
    assert told(first).count(("digits.sweep.compress", "FAIL")) == 2
    parents = {e["run"]["facets"]["parent"]["run"]["runId"] for e in first if e["job"]["name"] != "digits.sweep"}
    assert parents == {e["run"]["runId"] for e in first if e["job"]["name"] == "digits.sweep"}


def test_only_the_best_was_shown_to_the_test_split(place: Project, swept: Said) -> None:
    (evaluated,) = runs_of(place, "evaluate")
    best = re.search(r"^ *1 channels (\[.*\]), bytes", swept.out, re.M)
    assert best is not None
    assert f"best: channels {best.group(1)}" in swept.out
    assert f"accuracy {evaluated.data.metrics['fp32.accuracy']:.4f} (" in swept.out.split("on the test split")[1]


def test_the_front_shows_every_student_and_lies_with_the_run_of_the_sweep(place: Project, swept: Said) -> None:
    path = re.search(r"^front: (.*)$", swept.out, re.M)
    assert path is not None
    picture = (place.root / path.group(1)).read_text()
    for words in ("channels [4, 8]", "channels [8, 12]", "(best)", "teacher"):
        assert words in picture
    run = MlflowClient(f"sqlite:///{place.root / '.stillhouse/mlflow.db'}").get_run(path.group(1).split("/")[-3])
    assert run.data.tags["sweep"] == "1"
    assert "mlflow.parentRunId" not in run.data.tags


def test_the_line_that_is_printed_runs_the_best_student_and_trains_nothing(place: Project, swept: Said) -> None:
    line = re.search(r"^  - .*?stillhouse (run .*)$", swept.out, re.M)
    assert line is not None
    said = place.stillhouse(*shlex.split(line.group(1)))
    assert said.code == 0, said.err + said.out
    expected = dict.fromkeys(["data", "teacher", "student alone", "student", "compress", "evaluate"], "reused")
    assert said.stages == expected | {"register": "done"}


def test_dask_makes_the_new_student_and_takes_the_old_one(place: Project, swept: Said) -> None:
    fields = f"{{{CHANNELS}: [[4, 8], [8, 16]], {BYTES}: [100000]}}"
    said = place.stillhouse(*typed(fields, "--runner", "dask", "--workers", "2"))
    assert said.code == 0, said.err + said.out
    assert sorted((line.done, line.what.split(", bytes")[0]) for line in students(said)) == [
        ("done", "channels [8, 16]"),
        ("reused", "channels [4, 8]"),
    ]
    assert "on 2 workers (dask)" in said.out


@pytest.mark.parametrize(
    ("runner", "address", "code", "words"),
    [
        (
            "dask",
            "tcp://127.0.0.1:1",
            1,
            "`sweep`: `address`: expected an answer from tcp://127.0.0.1:1, got none; start",
        ),
        ("ray", "127.0.0.1:1", 1, "`sweep`: `address`: expected an answer from 127.0.0.1:1, got none; start"),
        ("dask", "nonsense://x", 2, "`address` is expected to be of a Dask scheduler, such as tcp://host:8786"),
    ],
)
def test_a_cluster_that_is_not_there_is_one_message(
    place: Project, runner: str, address: str, code: int, words: str
) -> None:
    said = place.stillhouse(*typed(f"{{{BYTES}: [10]}}", "--runner", runner, "--address", address))
    assert (said.code, said.stages) == (code, {})
    assert words in said.err
    assert "unexpected" not in said.err


@pytest.fixture
def cluster(tmp_path: Path, place: Project) -> Iterator[str]:
    """The address of a Dask cluster that somebody began elsewhere, with nothing of this project but its code.

    It has one process with two threads, and training in both at once would be no training.
    """
    address, elsewhere = f"tcp://{HOST}:{free_port(0)}", tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(TOOLS)}
    environment["PYTHONPATH"] = str(place.root)
    dask = [sys.executable, "-m", "dask"]
    scheduler = [*dask, "scheduler", "--host", HOST, "--port", address.rpartition(":")[2], "--no-dashboard"]
    worker = [
        *dask,
        "worker",
        address,
        "--no-nanny",
        "--nthreads",
        "2",
        "--no-dashboard",
        "--local-directory",
        str(tmp_path),
    ]
    begun = [
        subprocess.Popen(command, cwd=elsewhere, env=environment, stderr=subprocess.DEVNULL)
        for command in (scheduler, worker)
    ]
    try:
        yield address
        assert [*elsewhere.iterdir()] == [], "what a student makes is in its project"
    finally:
        for process in begun:
            process.kill()
            process.wait()


def test_a_cluster_that_is_there_works_in_the_project_of_the_sweep(place: Project, swept: Said, cluster: str) -> None:
    fields = f"{{{CHANNELS}: [[4, 8], [4, 16], [16, 4]], {BYTES}: [100000]}}"
    said = place.stillhouse(*typed(fields, "--runner", "dask", "--address", cluster))
    assert said.code == 0, said.err + said.out
    assert sorted(line.done for line in students(said)) == ["done", "done", "reused"]
    assert "3 students in" in said.out
    assert f"on the cluster at {cluster} (dask)" in said.out
    assert len([run for run in runs_of(place, "student") if run.info.status == "FINISHED"]) >= 4


def test_ray_makes_the_students_that_a_search_asks_for(place: Project, swept: Said) -> None:
    fields = f"{{distill.alpha: {{low: 0.2, high: 0.8}}, {CHANNELS}: {{choices: [[4, 8]]}}}}"
    said = place.stillhouse(*typed(fields, "--runner", "ray", search="optuna, trials: 3, batch: 2"))
    assert said.code == 0, said.err + said.out
    made = students(said)
    assert [line.done for line in made] == ["done"] * 3
    alphas = {float(line.what.split(",")[0].removeprefix("alpha ")) for line in made}
    assert len(alphas) == 3
    assert all(0.2 <= alpha <= 0.8 for alpha in alphas)
    assert "3 students in" in said.out
    assert "on 2 workers (ray)" in said.out


def test_a_sweep_of_which_nothing_came_fails_and_says_why(place: Project, swept: Said) -> None:
    said = place.stillhouse(*typed(f"{{{BYTES}: [10, 11], {CHANNELS}: [[4, 8]]}}"))
    assert said.code == 1
    assert "expected a student, got none; every one failed" in said.err
    assert "`limits.bytes`: expected at most 11" in said.err
    assert "Traceback" not in said.err


LONG = f"{{{CHANNELS}: [[4, 4], [4, 12], [12, 12], [12, 16], [16, 16]], {BYTES}: [100000]}}"


def ended_after_a_student(place: Project, words: tuple[str, ...], by: signal.Signals) -> list[psutil.Process]:
    """Starts a sweep, ends it when the first student is there, and returns the processes that it had begun."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(TOOLS)}
    environment |= {"PREFECT_API_URL": str(place.api), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "cli.main", *words]
    process = subprocess.Popen(
        command,
        cwd=place.root,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs the tests in the background has Ctrl-C ignored in all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    for line in process.stdout:
        if re.match(r"  (done|reused) +student  ", line):
            break
    workers: list[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
    if by == signal.SIGINT:  # a terminal gives Ctrl-C to all processes
        os.killpg(process.pid, by)
    else:
        process.send_signal(by)
    process.wait(timeout=60)
    process.stdout.close()
    return workers


def test_a_sweep_that_is_ended_or_killed_leaves_no_process_and_goes_on_behind_its_finished_students(
    place: Project, swept: Said
) -> None:
    for by in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        workers = ended_after_a_student(place, typed(LONG), by)
        assert workers
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert alive == [], by
    said = place.stillhouse(*typed(LONG))
    assert said.code == 0, said.err + said.out
    done = [line.done for line in students(said)]
    assert len(done) == 5
    assert "reused" in done
    assert "done" in done


def test_a_package_that_is_not_there_is_one_message(place: Project) -> None:
    hidden = "import sys; sys.modules['prefect_dask'] = None; from cli.main import main; main()"
    said = place.python("-c", hidden, *typed(f"{{{BYTES}: [10]}}", "--runner", "dask"))
    assert said.code == 2
    assert "expected the package `prefect_dask`, got none; pip install -c requirements.lock -e '.[dask]'" in said.err
