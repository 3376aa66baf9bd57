import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import pytest

from params.pipeline import Recipe
from params.sources import DownloadSource, FolderSource, GitSource, NpmSource, WheelSource
from tasks.contracts.records import TeacherRecord
from tasks.contracts.releases import Promotion
from tasks.core.progress import Warned, listen
from tasks.kinds.recipes import load_recipe
from tasks.tracking import job_runs
from tasks.tracking.datasets import Dataset, read_from
from tasks.tracking.job_runs import job_run, stage_run
from tests.evaluate.report.made import data, evaluation, model, release, verdicts
from tests.tracking.reading import Event, checked, events_in, told, versions

FILE = "openlineage.jsonl"
TREES = [
    ("trees.retrain", "START"),
    ("trees.retrain.teacher", "START"),
    ("trees.retrain.teacher", "COMPLETE"),
    ("trees.retrain", "COMPLETE"),
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of its own, and no setting of OpenLineage's."""
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    job_runs._sender.cache_clear()
    yield tmp_path
    job_runs._sender.cache_clear()


def run_trees() -> None:
    with job_run("trees", "retrain"), stage_run("teacher", (data(), 7)) as run:
        run.made(model("teacher"))


def test_a_run_and_its_stages_are_told_from_beginning_to_end(home: Path) -> None:
    known = str(uuid4())
    with job_run("trees", "retrain", run_id=known), stage_run("teacher", (data(), 7)) as run:
        run.made(model("teacher"))
    events = events_in(home / FILE)
    assert told(events) == TREES
    outer, begun, ended, _ = events
    assert outer["run"]["runId"] == known
    assert begun["run"]["runId"] == ended["run"]["runId"] != known
    parent = begun["run"]["facets"]["parent"]
    assert (parent["run"]["runId"], parent["job"]["name"], parent["root"]["run"]["runId"]) == (
        known,
        "trees.retrain",
        known,
    )
    assert "parent" not in outer["run"].get("facets", {})
    assert begun.get("outputs", []) == []
    (tag,) = [t for t in ended["run"]["facets"]["tags"]["tags"] if t["key"] == "mlflow_run"]
    assert tag["value"] == "run-of-teacher"
    assert ended["job"]["facets"]["sourceCodeLocation"]["version"]


def test_what_is_written_has_the_name_and_version_under_which_it_is_read_next(home: Path) -> None:
    teacher, student, judged = model("teacher"), model("student"), evaluation()
    with job_run("trees", "retrain"):
        for title, given, made in (
            ("data", (), data()),
            ("teacher", (data(),), teacher),
            ("student", ((TeacherRecord(model=teacher),), data()), student),
            ("evaluate", (student, teacher, data()), judged),
            ("register", (judged,), release()),
        ):
            with stage_run(title, given) as run:
                run.made(made)
    ended = {e["job"]["name"].split(".")[-1]: e for e in events_in(home / FILE) if e["eventType"] == "COMPLETE"}
    written: dict[str, str] = {}
    for title in ("data", "teacher", "student", "evaluate", "register"):
        written |= versions(ended[title].get("outputs", []))
        read = versions(ended[title].get("inputs", []))
        read.pop("stillhouse:trees/static_int8.onnx", None)  # of the stage that is left out here
        assert read.items() <= written.items(), title
    assert written["stillhouse:trees/data"] == "data-v7"
    assert written["stillhouse:trees/teacher"] == teacher.weights.sha256
    assert written["stillhouse:trees/model"] == "3"
    (of_data,) = ended["data"]["outputs"]
    assert [field["name"] for field in of_data["facets"]["schema"]["fields"]] == ["image", "label", "bark"]
    assert of_data["outputFacets"]["outputStatistics"]["rowCount"] == 10_500
    assert ended["register"]["outputs"][0]["outputFacets"]["outputStatistics"]["fileCount"] == 2


def test_a_promotion_writes_the_environment_and_a_refusal_writes_nothing(home: Path) -> None:
    passed = Promotion(model="trees", environment="edge", version=3, previous=2, verdict=verdicts()[0], moved=True)
    with job_run("trees", "promote.edge", release()) as run:
        run.made(passed)
    with job_run("trees", "promote.edge", release()) as run:
        run.made(None)
    _, moved, _, refused = events_in(home / FILE)
    assert versions(moved["inputs"]) == {"stillhouse:trees/model": "3"}
    assert versions(moved["outputs"]) == {"stillhouse:trees/edge": "3"}
    assert refused.get("outputs", []) == []


@pytest.mark.parametrize(("error", "state"), [(ValueError("no pine"), "FAIL"), (KeyboardInterrupt(), "ABORT")])
def test_a_run_that_breaks_off_says_whether_it_failed_or_was_stopped(
    home: Path, error: BaseException, state: str
) -> None:
    with pytest.raises(type(error)), job_run("trees", "retrain"), stage_run("data", ()):
        raise error
    events = events_in(home / FILE)
    assert told(events)[2:] == [("trees.retrain.data", state), ("trees.retrain", state)]
    assert events[2]["run"]["facets"]["errorMessage"]["message"] == f"{type(error).__name__}: {error}"


def test_a_stage_outside_of_a_run_is_told_to_nobody(home: Path) -> None:
    with stage_run("teacher", (data(),)) as run:
        run.made(model("teacher"))
    assert not (home / FILE).exists()


def test_the_namespace_of_jobs_is_the_users_and_sources_go_by_their_own_names(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "line-4")
    recipe = load_recipe(Path("params/vowels.yaml"))
    wheel = recipe.data.source
    assert isinstance(wheel, WheelSource)
    with job_run("trees", "retrain", recipe):
        pass
    begun, _ = events_in(home / FILE)
    assert begun["job"]["namespace"] == "line-4"
    assert versions(begun["inputs"]) == {f"pypi:{wheel.package}": wheel.version}
    folder = FolderSource(kind="folder", path="/photos")
    assert named(recipe, folder) == [Dataset("/photos", namespace="file")]
    files = DownloadSource(kind="download", files={"a b": "0" * 64}, urls=("https://me:secret@host/x/",))
    assert named(recipe, files) == [Dataset("/x/a b", "0" * 64, namespace="https://host")]
    git = GitSource(kind="git", url="https://host/trees.git", commit="0" * 40, paths=("x",))
    npm = NpmSource(kind="npm", package="@a/b", version="1.0.0", sha256="0" * 64, paths=("x",))
    assert named(recipe, npm) == [Dataset("@a/b", "1.0.0", namespace="npm")]
    assert named(recipe, git) == [Dataset("/trees.git", "0" * 40, namespace="https://host")]


def named(recipe: object, source: object) -> list[Dataset]:

    assert isinstance(recipe, Recipe)
    return list(
        read_from("trees", recipe.model_copy(update={"data": recipe.data.model_copy(update={"source": source})}))
    )


class Catalogue(BaseHTTPRequestHandler):
    """Takes events, as Marquez does; one that is `asleep` answers when it is woken up."""

    taken: list[tuple[str, str, Event]]
    awake: threading.Event

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.taken.append((self.path, self.headers.get("Authorization", ""), body))
        self.awake.wait(30)
        self.send_response(201)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing."""


@contextmanager
def catalogue(*, asleep: bool = False) -> Iterator[tuple[str, list[tuple[str, str, Event]]]]:
    """A real server: its address, and what it has taken."""
    awake, taken = threading.Event(), list[tuple[str, str, Event]]()
    if not asleep:
        awake.set()
    handler = type("Handler", (Catalogue,), {"taken": taken, "awake": awake})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", taken
        awake.set()
        server.shutdown()


def test_events_go_to_the_server_that_openlineages_own_variables_name(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with catalogue() as (url, taken):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        monkeypatch.setenv("OPENLINEAGE_API_KEY", "key")
        run_trees()
        assert told([checked(event) for _, _, event in taken]) == TREES
        assert {(path, key) for path, key, _ in taken} == {("/api/v1/lineage", "Bearer key")}
    assert not (home / FILE).exists()
    assert capfd.readouterr().err == ""


def test_openlineages_own_file_of_settings_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = home / ".openlineage" / "openlineage.yml"
    settings.parent.mkdir()
    settings.write_text(f"transport: {{type: file, log_file_path: {home / 'elsewhere'}, append: true}}")
    run_trees()
    assert told(events_in(home / "elsewhere")) == TREES
    assert not (home / FILE).exists()


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """What is warned of."""
    found: list[str] = []
    stop = listen(lambda event: found.append(event.text) if isinstance(event, Warned) else None)
    yield found
    stop()


def test_a_server_that_is_gone_costs_one_line_and_the_file_takes_the_events(
    home: Path, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    with catalogue() as (url, _):
        pass
    monkeypatch.setenv("OPENLINEAGE_URL", url)
    started = time.monotonic()
    run_trees()
    assert time.monotonic() - started < job_runs.PATIENCE_SECONDS
    (line,) = warnings
    assert line.startswith("OpenLineage: expected to send an event, got ConnectionError")
    assert told(events_in(home / FILE)) == TREES


def test_a_server_that_never_answers_costs_one_line_and_as_long_as_patience_lasts(
    home: Path, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    monkeypatch.setattr(job_runs, "PATIENCE_SECONDS", 0.5)
    with catalogue(asleep=True) as (url, taken):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        started = time.monotonic()
        run_trees()
        run_trees()
        assert time.monotonic() - started < 3
        (line,) = warnings
    assert "expected all events to be taken within 0.5 s, got no answer" in line
    assert len(taken) <= 1


def test_events_can_be_switched_off(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    run_trees()
    assert not (home / FILE).exists()
