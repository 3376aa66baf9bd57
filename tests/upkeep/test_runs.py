from collections.abc import Iterator
from dataclasses import replace

import pytest

from tasks.core.files import local_path
from tasks.core.workspace import state_dir
from tasks.tracking.artifacts import remove_artifacts
from tasks.tracking.runs import RECIPE, client, flow_run, note_stage, stage_run
from tasks.upkeep import mlflow_runs as runs
from tasks.upkeep.needs import Needs
from tests.registry.made import forget

NOTHING = Needs(*(frozenset(),) * 7)


def needs(*versions: int, made_by: str = "", uri: str = "") -> Needs:
    """Returns what some versions of digits need."""
    named = frozenset(("digits", version) for version in versions)
    return replace(NOTHING, versions=named, runs=frozenset({made_by} - {""}), uris=frozenset({uri} - {""}))


@pytest.fixture(scope="module", autouse=True)
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A real MLflow on a new SQLite file."""
    home = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHOUSE_HOME", str(home))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        forget()
        yield
        forget()


def retrained(flow: str, version: int, reused: str = "") -> tuple[str, str]:
    """Makes the runs of a retrain and its teacher, unless that is an earlier one; returns both ids."""
    with flow_run("digits", "retrain", flow, {RECIPE: "digits"}) as parent:
        teacher = reused or stage(flow)
        note_stage(flow, "teacher", teacher, f"digest of {teacher}")
        parent.tags({"model_version": str(version)})
        return parent.id, teacher


def stage(flow: str) -> str:
    with stage_run("teacher", flow) as run:
        path = run.scratch / "model.safetensors"
        path.write_bytes(b"weights")
        run.keep(path)
        return run.id


def ids(kept: Needs, removed: Needs = NOTHING) -> list[str]:
    return [run.id for run in runs.unneeded(runs.all_runs(), kept, removed)]


def test_runs_of_a_removed_version_go_with_their_artifacts_but_not_what_a_kept_one_reused() -> None:
    first, teacher = retrained("flow-1", 1)
    second, _ = retrained("flow-2", 2, reused=teacher)
    assert ids(kept=needs(2), removed=needs(1)) == [first]
    found = runs.unneeded(runs.all_runs(), needs(3), needs(1, 2))
    assert found[0].id == teacher
    assert {run.id for run in found} == {teacher, first, second}
    assert set(runs.digests(runs.all_runs(), needs(2))) == {f"digest of {teacher}"}
    (folder,) = (runs.folder_of(run) for run in found if run.id == teacher)
    assert folder is not None
    garbage = runs.as_garbage(found[0])
    assert garbage.bytes == len(b"weights")
    garbage.remove()
    assert not folder.exists()
    assert teacher not in [run.id for run in runs.all_runs()]


def test_a_failed_run_goes_unless_a_kept_record_names_one_of_its_files() -> None:
    with flow_run("digits", "retrain", "flow-3", {}) as run:
        path = run.scratch / "model.onnx"
        path.write_bytes(b"model")
        kept = run.keep(path, "bundle")
    client().set_terminated(run.id, "FAILED")
    assert ids(kept=NOTHING) == [run.id]
    assert ids(kept=needs(1, uri=kept.uri)) == []
    assert ids(kept=needs(1, made_by=run.id)) == []


def test_a_run_that_was_killed_here_goes_and_one_that_may_be_running_elsewhere_stays() -> None:
    with flow_run("digits", "retrain", "flow-4", {}) as run:
        killed = client().create_run(client().get_run(run.id).info.experiment_id)
        elsewhere = client().create_run(killed.info.experiment_id)
        (state_dir() / "work" / killed.info.run_id).mkdir()
        gone = ids(kept=NOTHING)
        assert killed.info.run_id in gone
        assert elsewhere.info.run_id not in gone


def test_artifacts_on_a_server_go_through_mlflow() -> None:
    with flow_run("digits", "retrain", "flow-5", {}) as run:
        path = run.scratch / "model.onnx"
        path.write_bytes(b"model")
        kept = local_path(run.keep(path).uri)
    assert kept is not None
    assert kept.is_file()
    remove_artifacts(client().get_run(run.id).info.artifact_uri)
    assert not kept.exists()
