from datetime import datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient

from params.promote import Gate
from tasks.contracts.metrics import Check
from tasks.contracts.releases import Release, Verdict
from tasks.core.files import artefact_of, local_path, sha256_of
from tasks.registry.gate.gate_inputs import gate_inputs
from tasks.registry.gate.verdict_file import keep_verdict
from tasks.registry.ledger.chain import append
from tasks.registry.ledger.history import History
from tasks.registry.promotion import approve, audit, carry_out, reconcile, roll_back
from tests.registry.made import PASSED, REFUSED, bundle_in, leads, release_of


def test_an_approval_says_who_and_why_and_is_of_one_version_in_one_environment(registry: MlflowClient) -> None:
    first, second = (release_of(registry, "spoken", key) for key in "ab")
    carry_out(first, PASSED, "test")
    approve(second, "staging", "bench is fine")
    row = History.load("spoken").approval("spoken", "staging", second.version)
    assert row is not None
    assert (row.event, row.reason, bool(row.who), row.previous) == ("approved", "bench is fine", True, first.version)
    assert History.load("spoken").approval("spoken", "staging", first.version) is None
    assert History.load("spoken").approval("spoken", "edge", second.version) is None


def test_an_approval_moves_nothing_and_leaves_every_other_question_its_answer(registry: MlflowClient) -> None:
    first, second = (release_of(registry, "moveless", key) for key in "ab")
    carry_out(first, PASSED, "test")
    carry_out(second, REFUSED, "test")
    approve(second, "staging", "test")
    approve(second, "edge", "test")
    assert leads("moveless") == (first.version, None)
    assert [verdict for verdict, _ in History.load("moveless").verdicts_on("moveless", second.version)] == [REFUSED]
    assert History.load("moveless").champion("moveless", "edge") is None
    assert (reconcile("moveless"), audit(repair=False)) == ((), ())


def test_an_intention_that_an_approval_followed_is_finished_all_the_same(registry: MlflowClient) -> None:
    first, second = (release_of(registry, "followed", key) for key in "ab")
    carry_out(first, PASSED, "test")
    append(History.load(), "intended", "followed", "staging", second.version, "test", PASSED)
    append(History.load(), "approved", "followed", "staging", second.version, "from another machine")
    assert len(reconcile("followed")) == 1
    assert leads("followed") == (second.version, first.version)


def test_a_version_that_was_rolled_back_needs_another_approval_and_the_one_before_does_not(
    registry: MlflowClient,
) -> None:
    first, second = (release_of(registry, "returns", key) for key in "ab")
    for release in (first, second):
        approve(release, "staging", "test")
        carry_out(release, PASSED, "test")
    roll_back("returns", "staging", "drops frames")
    assert History.load("returns").approval("returns", "staging", second.version) is None
    assert History.load("returns").approval("returns", "staging", first.version) is not None
    approve(second, "staging", "corrected")
    assert History.load("returns").approval("returns", "staging", second.version) is not None


def hours(release: Release, now: datetime | None = None) -> float:
    return History.load("patient").hours_led("patient", "staging", release.version, now)


def test_hours_count_from_when_a_version_came_to_lead_and_begin_anew_after_an_interruption(
    registry: MlflowClient,
) -> None:
    first, second = (release_of(registry, "patient", key) for key in "ab")
    assert hours(first) == 0
    carry_out(first, PASSED, "test")
    carry_out(first, PASSED, "again, which is no interruption")
    came = History.load("patient").of("patient", "staging")[-1].time
    assert hours(first, came + timedelta(hours=3)) == pytest.approx(3)
    carry_out(second, PASSED, "test")
    assert hours(first, came + timedelta(hours=3)) == 0
    roll_back("patient", "staging", "test")
    back = History.load("patient").of("patient", "staging")[-1].time
    assert hours(first, back + timedelta(hours=1)) == pytest.approx(1)


def with_bundle(release: Release, folder: Path) -> Release:
    files = tuple(artefact_of(path) for path in sorted(bundle_in(folder).iterdir()))
    return release.model_copy(update={"bundle": files})


def test_a_gate_learns_from_ledger_and_runtime_where_a_release_stands(registry: MlflowClient, tmp_path: Path) -> None:
    release = with_bundle(release_of(registry, "stands", "a"), tmp_path)
    gate = Gate(requires="staging", minimum_hours=1)
    unknown = gate_inputs(release, "edge", gate, History.load(release.model))
    assert (unknown.in_required, unknown.hours, unknown.approved_by, unknown.difference) == (False, 0.0, None, 0.0)
    carry_out(release, PASSED, "test")
    approve(release, "edge", "test")
    known = gate_inputs(release, "edge", gate, History.load(release.model))
    assert (known.in_required, known.approved_by) == (True, History.load("stands").of("stands", "edge")[-1].who)
    assert 0 < known.hours < 1


def test_a_bundle_that_was_damaged_after_its_registration_does_not_load(registry: MlflowClient, tmp_path: Path) -> None:
    release = with_bundle(release_of(registry, "damaged", "a"), tmp_path)
    model = next(path for path in map(local_path, (a.uri for a in release.bundle)) if path and path.suffix == ".onnx")
    model.write_bytes(model.read_bytes()[:-1])
    found = gate_inputs(release, "staging", Gate(), History.load(release.model))
    assert found.difference is None
    assert "model.onnx" in found.failure


def test_a_verdict_is_kept_with_the_release_as_the_bytes_that_the_ledger_holds(
    registry: MlflowClient, tmp_path: Path
) -> None:
    check = Check(limit="quality.accuracy", op=">=", threshold=1, value=0.9)
    verdict = Verdict(environment="staging", checks=(check,))
    release = with_bundle(release_of(registry, "kept", "a"), tmp_path)
    kept = keep_verdict(release, verdict)
    carry_out(release, verdict, "test")
    path = local_path(kept.uri)
    assert path is not None
    assert path.parent == tmp_path / "verdicts"
    assert Verdict.model_validate_json(path.read_text()) == verdict
    assert sha256_of(path) == History.load("kept").decisions[-1].verdict_sha256 == kept.sha256
