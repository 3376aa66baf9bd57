from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from params.compress import Target
from params.models import Cnn
from params.promote import Gate
from tasks.contracts.metrics import Interval
from tasks.contracts.records import DataRecord, InputSpec, ModelRecord
from tasks.contracts.scores import Challenge, ClassScore, EvaluationRecord, FreshScore, Score
from tasks.contracts.targets import Column, TargetCard
from tasks.core.record import Artefact
from tasks.registry.gate.gate_inputs import GateInputs
from tasks.registry.gate.judge import judge, judge_fresh

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FREE, INPUTS = Gate(approval="automatic"), GateInputs()
SPEC = InputSpec(layout="image", dtype="uint8", shape=(1, 8, 8))


def score(name: str, accuracy: float, **changes: Any) -> Score:
    interval = Interval(value=accuracy, low=accuracy - 0.02, high=accuracy + 0.02)
    classes = (
        ClassScore(label="a", recall=0.99, precision=0.9, f1=0.9, samples=50),
        ClassScore(label="b", recall=0.70, precision=0.9, f1=0.9, samples=50),
    )
    whole = {
        "name": name,
        "accuracy": interval,
        "macro_recall": interval,
        "macro_f1": interval,
        "classes": classes,
        "agreement": Interval(value=0.95, low=0.9, high=1.0),
        "calibration_error": 0.03,
        "parameters": 1000,
        "size": 4000,
        "p50_ms": 0.1,
        "p95_ms": 0.2,
        "parity": 1e-6,
    }
    return Score.model_validate(whole | changes)


def evaluation(shipped: float = 0.95, **changes: Any) -> EvaluationRecord:
    artefact = Artefact(uri="file:///x", sha256="0" * 64, size=1)
    data = DataRecord(
        name="tiny",
        version="v1",
        card_sha256="c",
        directory="/d",
        task="classification",
        input=SPEC,
        columns=(Column(name="label", dtype="int64"),),
        targets=TargetCard(names=("a", "b")),
        samples={"test": 100},
    )
    model = ModelRecord(
        role="teacher",
        architecture=Cnn(kind="cnn", channels=(4,)),
        input=SPEC,
        task="classification",
        targets=TargetCard(names=("a", "b")),
        weights=artefact,
        parameters=1,
        data_version="v1",
        validation={},
        run_id="r",
        created=NOW,
    )
    scores = (
        score("teacher", 0.98),
        score("baseline", 0.93),
        score("student", 0.95),
        score("fp32", shipped, **changes),
    )
    return EvaluationRecord(
        name="tiny",
        data=data,
        teacher=model,
        student=model.model_copy(update={"role": "student"}),
        scores=scores,
        chosen="fp32",
        onnx=artefact,
        gain=Interval(value=0.02, low=0.0, high=0.04),
        target=Target(),
        tolerance=1e-3,
        run_id="r",
        created=NOW,
    )


def test_a_gate_without_limits_lets_everything_pass() -> None:
    assert judge(FREE, "staging", evaluation(), None, INPUTS).passed


@pytest.mark.parametrize(
    ("limit", "value", "broken"),
    [
        ("accuracy", 0.95, False),
        ("accuracy", 0.951, True),
        ("class_recall", 0.7, False),
        ("class_recall", 0.71, True),
        ("agreement", 0.96, True),
        ("accuracy_drop", 0.02, True),
        ("accuracy_drop", 0.04, False),
        ("calibration_error", 0.02, True),
        ("p95_ms", 0.1, True),
        ("p95_ms", 0.2, False),
        ("bytes", 3_999, True),
        ("parity", 1e-7, True),
    ],
)
def test_each_limit_refuses_what_breaks_it_and_nothing_else(limit: str, value: float, broken: bool) -> None:
    verdict = judge(Gate.model_validate({"approval": "automatic", limit: value}), "staging", evaluation(), None, INPUTS)
    assert verdict.passed is not broken
    assert [check.limit for check in verdict.checks if not check.passed] == ([limit] if broken else [])


def test_a_refusal_names_every_limit_that_broke() -> None:
    gate = Gate(approval="automatic", accuracy=0.99, bytes=10, requires="staging")
    verdict = judge(gate, "edge", evaluation(), None, INPUTS)
    assert [line.split("`")[1] for line in verdict.refusals] == ["accuracy", "bytes", "requires"]
    assert "class b" in judge(Gate(class_recall=0.9), "edge", evaluation(), None, INPUTS).refusals[0]


def against(gain: float, reach: float) -> Challenge:
    return Challenge(
        environment="staging",
        version=7,
        champion=score("champion", 0.96),
        challenger=score("challenger", 0.96 + gain),
        gain=Interval(value=gain, low=gain - reach, high=gain + reach),
        only_challenger=1,
        only_champion=4,
        p_value=0.375,
    )


def test_a_challenger_that_may_be_as_good_as_the_champion_passes_and_one_beyond_the_interval_does_not() -> None:
    assert judge(FREE, "staging", evaluation(), against(-0.01, 0.01), INPUTS).passed
    champion = against(-0.03, 0.01)
    verdict = judge(FREE, "staging", evaluation(), champion, INPUTS)
    assert verdict.challenge == champion
    (refusal,) = verdict.refusals
    assert refusal == (
        "`not_worse_than_champion`: expected not less accurate than version 7 (0.9600) beyond the interval,"
        " got -0.0300 (-0.0400 to -0.0200), McNemar p 0.375"
    )
    assert judge(
        Gate(approval="automatic", not_worse_than_champion=False), "staging", evaluation(), champion, INPUTS
    ).passed


def refused_by(gate: Gate, inputs: GateInputs) -> list[str]:
    """Returns the refusals of a release that keeps every limit on numbers."""
    return list(judge(gate, "edge", evaluation(), None, inputs).refusals)


def test_a_manual_gate_waits_for_a_person_and_says_who_it_was() -> None:
    gate = Gate(approval="manual")
    verdict = judge(gate, "edge", evaluation(), None, INPUTS)
    assert verdict.refusals == ("`approval`: expected an approval of this version by `stillhouse approve`, got none",)
    assert verdict.lacks_only_approval
    approved = judge(gate, "edge", evaluation(), None, GateInputs(approved_by="anna", approved_at=NOW))
    assert approved.passed
    assert approved.checks[-1].got == "one by anna at 2026-01-01 00:00:00 UTC"
    assert not judge(Gate(accuracy=1.0), "edge", evaluation(), None, INPUTS).lacks_only_approval


@pytest.mark.parametrize(("hours", "got"), [(23.9999, "23.99"), (24.0, None), (100.0, None)])
def test_the_hours_in_the_required_environment_are_a_limit_like_the_others(hours: float, got: str | None) -> None:
    gate = Gate(approval="automatic", requires="staging", minimum_hours=24)
    expected = [f"`hours_in_staging`: expected at least 24, got {got}"] if got else []
    assert refused_by(gate, GateInputs(in_required=True, hours=hours)) == expected


def test_hours_without_an_environment_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="`minimum_hours` needs `requires`"):
        Gate(minimum_hours=1)
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Gate(requires="staging", minimum_hours=-1)


def test_what_does_not_run_ships_nowhere() -> None:
    (refusal,) = refused_by(FREE, GateInputs(difference=None, failure="`model.onnx`: cut short"))
    assert refusal == (
        "`loads_in_runtime`: expected a bundle that passes its self-test now, got `model.onnx`: cut short"
    )


def fresh(**changes: Any) -> FreshScore:
    classes = score("any", 0.9).classes
    whole = {"samples": 100, "accuracy": 0.91, "classes": classes, "calibration_error": 0.04}
    return FreshScore.model_validate(whole | changes)


def test_a_champion_is_judged_on_fresh_samples_by_the_limits_that_labels_can_judge() -> None:
    gate = Gate(accuracy=0.95, class_recall=0.6, calibration_error=0.03, p95_ms=1, bytes=1, agreement=1.0)
    checks = judge_fresh(gate, fresh(), class_samples=20)
    assert [(check.limit, check.passed) for check in checks] == [
        ("accuracy", False),
        ("class_recall", True),
        ("calibration_error", False),
    ]
    assert (checks[0].expected, checks[0].got) == ("at least 0.95", "0.91")
    assert judge_fresh(Gate(bytes=1), fresh(), class_samples=20) == ()


def test_a_class_of_too_few_fresh_samples_is_not_judged() -> None:
    rare = ClassScore(label="c", recall=0.1, precision=1, f1=0.2, samples=19)
    gate, found = Gate(class_recall=0.6), fresh(classes=(*fresh().classes, rare))
    assert [check.passed for check in judge_fresh(gate, found, class_samples=20)] == [True]
    assert [check.got for check in judge_fresh(gate, found, class_samples=19)] == ["0.1 (class c)"]
    assert judge_fresh(gate, found, class_samples=51) == ()
