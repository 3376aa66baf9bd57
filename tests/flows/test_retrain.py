"""The whole job for real: Prefect's ephemeral server, MLflow on SQLite, a DVC repository, ONNX Runtime."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient

from tasks.contracts.releases import Verdict
from tasks.runtime.bundle.bundle import self_test
from tests.tracking.reading import events_in, told, versions

STAGES = ["data", "teacher", "student alone", "student", "compress", "evaluate", "register"]

ANYHOW = ("--set", "promote.staging.not_worse_than_champion=false")
"""Latency decides which candidate ships, so a machine does: a release that comes back may be worse than the champion"""


def rows(database: Path, query: str) -> list[Any]:
    with sqlite3.connect(database) as connection:
        return connection.execute(query).fetchall()


def flow_runs(project: Any) -> int:
    return int(rows(project.root / ".stillhouse/prefect/prefect.db", "select count(*) from flow_run")[0][0])


def mlflow_of(project: Any) -> MlflowClient:
    return MlflowClient(f"sqlite:///{project.root / '.stillhouse/mlflow.db'}")


def locked_md5(project: Any) -> str:
    lock = yaml.safe_load((project.root / "dvc.lock").read_text())
    return str(lock["stages"]["prepare@digits"]["outs"][0]["md5"])


def test_a_recipe_becomes_a_promoted_student(project: Any, first_run: Any) -> None:
    assert first_run.code == 0, first_run.err + first_run.out
    assert first_run.stages == dict.fromkeys(STAGES, "done")
    assert [line for line in first_run.out.splitlines() if line.startswith("  done ") and len(line) > 100] == []
    for words in ("teacher", "student alone", "student distilled", "shipped", "p50 ms", "promoted to staging"):
        assert words in first_run.out
    assert "stillhouse approve digits --to edge" in first_run.out


def test_the_clone_stays_clean_and_the_data_has_the_digest_of_the_lock(project: Any, first_run: Any) -> None:
    assert project.git("status", "--porcelain") == ""
    assert locked_md5(project) in first_run.out


def test_a_second_run_does_nothing_and_says_so_in_one_line(project: Any, first_run: Any) -> None:
    before = flow_runs(project)
    said = project.stillhouse("run", "params/digits.yaml")
    assert said.code == 0
    assert said.out.count("\n") == 1
    assert "nothing changed since" in said.out
    assert "version 1 is in staging" in said.out
    assert flow_runs(project) == before
    history = project.stillhouse("history", "digits").out
    assert re.search(r"nothing to do: 1, last \S+ \S+ by \S+ \(by hand\)", history)


def test_mlflow_holds_a_parent_run_with_a_child_per_stage(project: Any, first_run: Any) -> None:
    client = mlflow_of(project)
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    parent = min(parents, key=lambda run: run.info.start_time)
    children = {r.info.run_name: r for r in runs if r.data.tags.get("mlflow.parentRunId") == parent.info.run_id}
    assert sorted(children) == sorted(STAGES)
    assert {run.info.status for run in (parent, *children.values())} == {"FINISHED"}
    assert parent.data.params["distill.temperature"] == "4.0"
    inputs = children["student"].inputs
    assert inputs is not None
    assert {i.dataset.digest for i in inputs.dataset_inputs} == {locked_md5(project)}
    assert len(client.get_metric_history(children["student"].info.run_id, "train_soft_loss")) == 40


def test_registered_models_carry_their_lineage_and_no_pickle(project: Any, first_run: Any) -> None:
    client = mlflow_of(project)
    version = client.get_model_version_by_alias("digits", "staging")
    assert version.tags["data_version"] == locked_md5(project)
    assert {"teacher_sha256", "stillhouse.key", "git_commit", "onnx_sha256"} <= version.tags.keys()
    assert client.get_model_version("digits-teacher", version.tags["teacher_version"])
    kept = [path for path in (project.root / ".stillhouse/artifacts").rglob("*") if path.is_file()]
    ours = {".safetensors", ".onnx", ".json", ".npz", ".md", ".svg", ".html"}
    of_mlflow = {"", ".txt", ".yaml", ".py", ".typed"}  # `MLmodel`, its requirements, the runtime that answers
    assert {path.suffix for path in kept} <= ours | of_mlflow


def test_every_stage_of_the_run_is_told_as_openlineage_events(project: Any, first_run: Any) -> None:
    events = events_in(project.root / ".stillhouse/openlineage.jsonl")
    first = events[: next(n for n, e in enumerate(events) if told([e]) == [("digits.retrain", "COMPLETE")]) + 1]
    jobs = ["digits.retrain", *(f"digits.retrain.{stage}" for stage in STAGES), "digits.promote.staging"]
    assert sorted(told(first)) == sorted((job, state) for job in jobs for state in ("START", "COMPLETE"))
    runs = {job: {e["run"]["runId"] for e in first if e["job"]["name"] == job} for job in jobs}
    assert all(len(ids) == 1 for ids in runs.values())
    parents = {e["run"]["facets"]["parent"]["run"]["runId"] for e in first if e["job"]["name"] != "digits.retrain"}
    assert parents == runs["digits.retrain"]
    student = next(e for e in first if told([e]) == [("digits.retrain.student", "COMPLETE")])
    assert versions(student["inputs"])["stillhouse:digits/data"] == locked_md5(project)
    assert set(versions(student["inputs"])) == {"stillhouse:digits/data", "stillhouse:digits/teacher"}
    assert student["job"]["facets"]["sourceCodeLocation"]["version"] == project.git("rev-parse", "HEAD").strip()


def test_the_registered_bundle_passes_its_self_test(project: Any, first_run: Any) -> None:
    version = mlflow_of(project).get_model_version_by_alias("digits", "staging")
    assert self_test(project.registered("digits", int(version.version))) == 0.0


def test_an_override_says_what_changed_and_reuses_the_rest(served: Any, first_run: Any) -> None:
    said = served.stillhouse("run", "params/digits.yaml", "--set", "distill.temperature=2")
    assert said.code == 0, said.err
    assert "running because `distill.temperature` 4.0 -> 2.0" in said.out
    reused = ["data", "teacher", "student alone"]
    assert said.stages == {stage: "reused" if stage in reused else "done" for stage in STAGES}
    against = re.search(r"against version 1: .* McNemar p (\S+)", said.out)
    assert against is not None
    assert 0 < float(against.group(1)) <= 1


def page_of(project: Any, version: int) -> str:
    """Returns the report of a release of digits as it is now."""
    found = mlflow_of(project).get_model_version("digits", str(version))
    (page,) = (project.root / ".stillhouse/artifacts").rglob(f"{found.run_id}/artifacts/report.html")
    return str(page.read_text())


def leads_in_picture(project: Any, version: int) -> str:
    """Returns the first environment in the picture of the lineage of a release."""
    found = re.search(r"<dt>environment</dt><dd>([^<]*)</dd>", page_of(project, version))
    assert found is not None
    return found.group(1)


def test_the_report_holds_what_the_gates_and_the_champion_said_and_is_an_artefact_of_both_servers(
    served: Any, first_run: Any
) -> None:
    said = re.search(r"^report: (\S+/report\.html)$", first_run.out, re.MULTILINE)
    assert said is not None
    assert (served.root / said.group(1)).read_text() == page_of(served, 1)
    assert "staging" in page_of(served, 1)
    assert leads_in_picture(served, 2) == "staging"
    assert leads_in_picture(served, 1) == "none now"
    assert "McNemar" in page_of(served, 2)
    kept = rows(served.root / ".stillhouse/prefect/prefect.db", "select key, type from artifact")
    assert {("report-digits", "markdown"), ("report-digits-page", "markdown")} <= set(kept)


def test_going_back_reuses_everything_and_registers_nothing_new(served: Any, first_run: Any) -> None:
    said = served.stillhouse("run", "params/digits.yaml", *ANYHOW)
    assert said.code == 0, said.err
    assert said.stages == dict.fromkeys(STAGES, "reused")
    assert "digits version 1," in said.out


def test_an_artefact_that_is_gone_or_damaged_is_made_again(served: Any, first_run: Any) -> None:
    weights = next((served.root / ".stillhouse/artifacts").rglob("baseline-model.safetensors"))
    before = weights.read_bytes()
    weights.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    said = served.stillhouse("run", "params/digits.yaml", "--force", *ANYHOW)
    weights.write_bytes(before)
    assert said.code == 0, said.err
    assert said.stages["student alone"] == "done"
    assert said.stages["data"] == said.stages["teacher"] == said.stages["student"] == "reused"


def test_the_gate_of_the_edge_waits_for_a_person_and_names_the_command(served: Any, first_run: Any) -> None:
    said = served.stillhouse("promote", "digits", "--to", "edge")
    assert said.code == 1
    assert re.findall(r"^  - `(\w+)`", said.err, re.MULTILINE) == ["approval"]
    assert re.search(r"it lacks nothing else; .*stillhouse approve digits --to edge --version \d`", said.err)
    needless = served.stillhouse("approve", "digits", "--to", "staging")
    assert (needless.code, "this gate asks no person" in needless.err) == (2, True)


def test_the_gate_of_the_edge_is_passed_by_an_approval(served: Any, first_run: Any) -> None:
    said = served.stillhouse("approve", "digits", "--to", "edge", "--reason", "tested on the bench")
    assert said.code == 0, said.err
    (version,) = re.findall(r"promoted to edge: version (\d)", said.out)
    database = served.root / ".stillhouse/ledger.db"
    found = rows(database, "select event, reason, verdict_sha256 from decisions where environment='edge'")
    assert [event for event, *_ in found] == ["refused", "approved", "intended", "promoted"]
    assert {reason for _, reason, _ in found[1:]} == {"tested on the bench"}
    assert re.search(r"\bedge\b", page_of(served, int(version)))
    assert re.search(rf"^digits edge: .*approved: version {version} by ", served.stillhouse("status").out, re.MULTILINE)
    (kept,) = (served.registered("digits", int(version)).parent / "verdicts").glob(f"edge-{found[-1][2][:12]}.json")
    verdict = Verdict.model_validate_json(kept.read_text())
    assert (verdict.passed, verdict.failure) == (True, "")
    assert verdict.requires is not None
    assert verdict.requires.leads
    assert verdict.approval is not None
    assert verdict.approval.by


def test_the_way_back_is_one_command_and_everything_stays_on_record(served: Any, first_run: Any) -> None:
    assert served.stillhouse("promote", "digits", "--to", "edge", "--version", "2").code == 1  # not in staging
    said = served.stillhouse("rollback", "digits", "--from", "staging", "--reason", "drops frames")
    assert said.code == 0, said.err
    back, before = re.findall(r"version (\d)", said.out.splitlines()[0])
    assert leads_in_picture(served, int(back)) == "staging"
    assert leads_in_picture(served, int(before)) != "staging"
    assert str(mlflow_of(served).get_model_version_by_alias("digits", "staging").version) == back
    status = served.stillhouse("status").out
    assert re.search(rf"^digits staging: version {back} since .*\(drops frames\)", status, re.MULTILINE)
    assert "digits edge: version" in status
    history = served.stillhouse("history", "digits").out
    assert re.search(rf"staging +rolled back +{back} +{before} .* drops frames", history)
    assert re.search(r"edge +refused", history)
    audit = served.stillhouse("audit")
    assert (audit.code, "the chain holds" in audit.out) == (0, True)
    # The gate may refuse it: where another candidate shipped, it is worse than the champion.
    assert served.stillhouse("promote", "digits", "--to", "staging", "--version", before).code in (0, 1)


def test_lineage_names_all_that_the_edge_is_made_of_and_finds_what_changed(served: Any, first_run: Any) -> None:
    said = served.stillhouse("lineage", "edge", "--verify")
    assert said.code == 0, said.err
    for kind in ("gate", "release", "artefact", "student", "teacher", "data", "raw data", "recipe", "code"):
        assert re.search(rf"^  {kind}$", said.out, re.MULTILINE), said.out
    assert locked_md5(served) in said.out
    assert "package scikit-learn" in said.out
    assert re.search(r"(\d+) of \1 files are there", said.out)
    (found,) = json.loads(served.stillhouse("lineage", "--json").out)
    weights = next(a for a in found["ancestors"] if a["kind"] == "student")["files"]["weights"]
    path = Path(weights["uri"].removeprefix("file://"))
    before = path.read_bytes()
    path.write_bytes(before[::-1])
    broken = served.stillhouse("lineage", "edge", "--verify")
    path.write_bytes(before)
    assert broken.code == 1
    assert "student: weights is changed" in broken.err


def test_data_is_followed_to_every_release_it_reached(served: Any, first_run: Any) -> None:
    said = served.stillhouse("lineage", "--data", locked_md5(served)[:12])
    assert said.code == 0, said.err
    assert re.search(r"^digits version 1, of teacher version 1, by its student, teacher, data", said.out, re.MULTILINE)
    assert re.search(r"leads edge", said.out)
    reached = len(said.out.splitlines())
    card = served.stillhouse("lineage", "--data", str(served.root / "data/digits/prepared/dataset.json"))
    assert len(re.findall("by its data", card.out)) == len(card.out.splitlines()) == reached
    taught = served.stillhouse("lineage", "--teacher", "1").out
    assert re.search(r"^digits version 1, of teacher version 1, by its teacher: .*leads edge", taught, re.MULTILINE)
    nothing = served.stillhouse("lineage", "--data", "0123456789")
    assert (nothing.code, "expected an ancestor of some release" in nothing.err) == (2, True)


def test_a_gate_that_refuses_names_the_limit_and_moves_nothing(served: Any, first_run: Any) -> None:
    before = mlflow_of(served).get_registered_model("digits").aliases
    said = served.stillhouse(
        "run",
        "params/digits.yaml",
        "--set",
        "promote.staging.quality.accuracy=1.0",
        "--set",
        "promote.staging.bytes=10",
    )
    assert said.code == 1
    assert "`quality.accuracy`: expected at least 1" in said.err
    assert "`bytes`: expected at most 10" in said.err
    assert mlflow_of(served).get_registered_model("digits").aliases == before


@pytest.mark.slow
def test_overridden_data_is_versioned_beside_the_locked_one(served: Any, first_run: Any) -> None:
    said = served.stillhouse(
        "run",
        "params/digits.yaml",
        *("--set", "data.split.seed=1"),
        *("--set", "teacher.training.epochs=2"),
        *("--set", "student.training.epochs=2"),
        *("--set", "compress.candidates=[fp16]"),
        *("--set", "promote.staging.approval=manual"),
    )
    assert said.code == 0, said.err
    assert said.stages["data"] == "done"
    (version,) = re.findall(r"^  done +data .* version (\S+)", said.out, re.MULTILINE)
    assert version.endswith(".dir")
    assert version != locked_md5(served)
    assert served.git("status", "--porcelain") == ""


def test_nothing_left_this_machine(served: Any, first_run: Any) -> None:
    said = served.connections.read_text() if served.connections.exists() else ""
    assert said == ""


def test_a_teacher_that_is_brought_along_is_measured_and_not_trained(served: Any, first_run: Any) -> None:
    weights = min((served.root / ".stillhouse/artifacts").rglob("teacher-model.safetensors"))
    network = "{kind: resnet, widths: [32, 64, 128], blocks: 1}"
    bring = ("--set", f"teacher={{kind: weights, architecture: {network}, weights: {weights}}}")
    said = served.stillhouse("run", "params/digits.yaml", *bring, *ANYHOW)
    assert said.code == 0, said.err
    assert "`teacher.weights_sha256` none ->" in said.out
    assert said.stages["teacher"] == "done"
    # The same bytes, but of an unknown licence, which the lineage of the student has to say: it is made again.
    assert (said.stages["student alone"], said.stages["student"]) == ("reused", "done")


COUNT_CALLS = """
import json, sys
from pathlib import Path
import tasks.training.loop as loop
from cli.main import main

fit, found = loop.fit, []

def counted(*given, **named):
    frame, calls = sys._getframe(1), []
    while frame:
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(Path.cwd()) and file.relative_to(Path.cwd()).parts[0] in ("cli", "flows", "tasks"):
            calls.append(f"{file.relative_to(Path.cwd())}:{frame.f_code.co_name}")
        frame = frame.f_back
    found.append(calls[::-1])
    Path(".stillhouse/calls.json").write_text(json.dumps(found))
    if len(found) == 3:
        raise KeyboardInterrupt
    return fit(*given, **named)

loop.fit = counted
sys.argv = ["stillhouse", "run", "params/digits.yaml", "--set", "seed=98"]
sys.argv += ["--set", "teacher.training.epochs=12", "--set", "student.training.epochs=1"]
main()
"""
MOST_CALLS = 10


def test_from_the_command_to_the_training_loop_are_ten_calls_at_most(served: Any, first_run: Any) -> None:
    """Those of teacher, baseline and student; `docs/architecture.md` names them."""
    assert served.python("-c", COUNT_CALLS).code == 130
    ways = json.loads((served.root / ".stillhouse/calls.json").read_text())
    assert [way[-1] for way in ways] == ["tasks/training/network.py:train_network"] * 3
    named = (served.root / "docs/architecture.md").read_text()
    for way in ways:
        calls = [*way[way.index("cli/run.py:run") + 1 :], "tasks/training/loop.py:fit"]
        assert len(calls) <= MOST_CALLS, calls
        for call in calls:
            assert f"`{call.rpartition(':')[2]}`" in named, call
