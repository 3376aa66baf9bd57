from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from params.compress import Target
from params.models import Cnn
from params.promote import Gate
from tasks.contracts.metrics import Interval
from tasks.contracts.records import DataRecord, InputSpec, ModelRecord
from tasks.contracts.releases import Verdict
from tasks.contracts.scores import BatchTiming, Challenge, ConstantScore, EvaluationRecord, FreshScore, Score
from tasks.contracts.targets import Column, TargetCard
from tasks.contracts.thresholds import Deferral
from tasks.contracts.words import limit_texts, refusal_lines
from tasks.core.record import Artefact
from tasks.kinds.limits import metrics_of
from tasks.registry.gate.gate_inputs import GateInputs
from tasks.registry.gate.judge import judge, judge_fresh
from tasks.runtime.preprocess.preprocessor import ARRAYS
from tests.evaluate.report.made import flips, interval

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FREE, INPUTS = Gate(approval="automatic"), GateInputs()
SPEC = InputSpec(layout="image", dtype="uint8", shape=(1, 8, 8))


def score(name: str, accuracy: float, **changes: Any) -> Score:
    interval = Interval(value=accuracy, low=accuracy - 0.02, high=accuracy + 0.02)
    whole = {
        "name": name,
        "metrics": {
            "accuracy": interval,
            "macro_f1": interval,
            "recall/a": Interval(value=0.99, low=0.98, high=1.0),
            "recall/b": Interval(value=0.70, low=0.6, high=0.8),
            "calibration_error": Interval(value=0.03, low=0.02, high=0.04),
        },
        "agreement": Interval(value=0.95, low=0.9, high=1.0),
        "parameters": 1000,
        "size": 4000,
        "p50_ms": 0.1,
        "p95_ms": 0.2,
        "p99_ms": 0.3,
        "parity": 1e-6,
        "batch": BatchTiming(batch_size=32, p50_ms=1.0),
    }
    return Score.model_validate(whole | changes)


def evaluation(shipped: float = 0.95, constant: ConstantScore | None = None, **changes: Any) -> EvaluationRecord:
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
        preprocessing=dict(ARRAYS),
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
        gains={"accuracy": Interval(value=0.02, low=0.0, high=0.04)},
        constant=constant,
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
        ("quality.accuracy", 0.95, False),
        ("quality.accuracy", 0.951, True),
        ("quality.recall.worst", 0.7, False),
        ("quality.recall.worst", 0.71, True),
        ("quality.calibration_error", 0.02, True),
        ("quality.calibration_error", 0.03, False),
        ("below_teacher.accuracy", 0.02, True),
        ("below_teacher.accuracy", 0.03, False),
        ("below_teacher.recall.worst", 0.0, False),
        ("agreement", 0.96, True),
        ("p95_ms", 0.1, True),
        ("p95_ms", 0.2, False),
        ("bytes", 3_999, True),
        ("parity", 1e-7, True),
    ],
)
def test_each_limit_refuses_what_breaks_it_and_nothing_else(limit: str, value: float, broken: bool) -> None:
    section, dot, metric = limit.partition(".")
    gate = Gate.model_validate({"approval": "automatic", section: {metric: value} if dot else value})
    verdict = judge(gate, "staging", evaluation(), None, INPUTS)
    assert verdict.passed is not broken
    assert verdict.broken == ((limit,) if broken else ())


def test_a_check_keeps_the_numbers_as_they_are() -> None:
    verdict = judge(Gate(p95_ms=12.3456, bytes=12_345), "staging", evaluation(), None, INPUTS)
    assert (verdict.threshold("p95_ms"), verdict.threshold("bytes")) == (12.3456, 12_345)
    assert verdict.threshold("agreement") is None
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_a_refusal_names_every_limit_that_broke() -> None:
    gate = Gate(approval="automatic", quality={"accuracy": 0.99}, bytes=10, requires="staging")
    verdict = judge(gate, "edge", evaluation(), None, INPUTS)
    assert [line.split("`")[1] for line in refusal_lines(verdict)] == ["quality.accuracy", "bytes", "requires"]
    (worst, _) = refusal_lines(judge(Gate(quality={"recall.worst": 0.9}), "edge", evaluation(), None, INPUTS))
    assert worst == "`quality.recall.worst`: expected at least 0.9, got 0.7 (class b)"


def against(gain: float, reach: float) -> Challenge:
    return Challenge(
        environment="staging",
        version=7,
        champion=score("champion", 0.96),
        challenger=score("challenger", 0.96 + gain),
        gains={"accuracy": Interval(value=gain, low=gain - reach, high=gain + reach)},
        flips=flips(newly_wrong=interval(0.01)),
    )


def test_a_challenger_that_may_be_as_good_as_the_champion_passes_and_one_beyond_the_interval_does_not() -> None:
    assert judge(FREE, "staging", evaluation(), against(-0.01, 0.01), INPUTS).passed
    champion = against(-0.03, 0.01)
    verdict = judge(FREE, "staging", evaluation(), champion, INPUTS)
    assert verdict.challenge == champion
    (refusal,) = refusal_lines(verdict)
    assert refusal == (
        "`not_worse_than_champion`: expected at least 0,"
        " got -0.02 (accuracy against version 7, at the best end of the interval)"
    )
    assert judge(
        Gate(approval="automatic", not_worse_than_champion=False), "staging", evaluation(), champion, INPUTS
    ).passed


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"negative_flips": 0.01, "negative_flips_worst_slice": 0.05}, []),
        (
            {"negative_flips": 0.005},
            ["`negative_flips`: expected at most 0.005, got 0.01 (samples that version 7 has right)"],
        ),
        (
            {"negative_flips_worst_slice": 0.02},
            ["`negative_flips_worst_slice`: expected at most 0.02, got 0.05 (label willow, 120 samples)"],
        ),
    ],
)
def test_a_release_that_breaks_what_worked_is_refused(limits: dict[str, float], expected: list[str]) -> None:
    gate = FREE.model_copy(update=limits)
    assert list(refusal_lines(judge(gate, "staging", evaluation(), against(0.02, 0.01), INPUTS))) == expected
    assert judge(gate, "staging", evaluation(), None, INPUTS).passed


def test_a_student_whose_teacher_does_harm_is_refused_beyond_the_interval_only() -> None:
    loss = {"accuracy": Interval(value=-0.03, low=-0.05, high=-0.01)}
    tie = {"accuracy": Interval(value=-0.03, low=-0.07, high=0.01)}
    harmed = evaluation().model_copy(update={"gains": loss})
    assert judge(FREE, "staging", harmed, None, INPUTS).broken == ("not_worse_than_baseline",)
    assert judge(FREE, "staging", evaluation().model_copy(update={"gains": tie}), None, INPUTS).passed
    assert judge(FREE.model_copy(update={"not_worse_than_baseline": False}), "staging", harmed, None, INPUTS).passed


def test_a_file_that_leaves_too_much_to_others_is_refused() -> None:
    gate = FREE.model_copy(update={"coverage": 0.8})
    found = {
        "metric": "accuracy",
        "limit": 0.99,
        "risk": 0.1,
        "threshold": 0.9,
        "kept": None,
        "needed": 230,
        "coverage": interval(0.7),
    }
    deferring = evaluation().model_copy(update={"deferral": Deferral.model_validate(found)})
    assert list(refusal_lines(judge(gate, "staging", deferring, None, INPUTS))) == [
        "`coverage`: expected at least 0.8, got 0.7"
    ]
    assert judge(gate, "staging", evaluation(), None, INPUTS).passed
    assert deferring.digest != evaluation().digest  # the bundle is another one


def test_what_is_no_better_than_the_commonest_class_is_refused() -> None:
    constant = ConstantScore(words="always answering a", metrics=score("constant", 0.6).metrics, gains={})
    learned, not_learned = (evaluation(shipped, constant=constant) for shipped in (0.7, 0.61))
    assert judge(FREE, "staging", learned, None, INPUTS).passed
    (refusal,) = refusal_lines(judge(FREE, "staging", not_learned, None, INPUTS))
    assert refusal == (
        "`better_than_constant`: expected at least 0.6,"
        " got 0.59 (accuracy at the worst end of its interval; the limit is that of always answering a)"
    )


def refused_by(gate: Gate, inputs: GateInputs) -> list[str]:
    """Returns the refusals of a release that keeps every limit on numbers."""
    return list(refusal_lines(judge(gate, "edge", evaluation(), None, inputs)))


def test_a_manual_gate_waits_for_a_person_and_says_who_it_was() -> None:
    gate = Gate(approval="manual")
    verdict = judge(gate, "edge", evaluation(), None, INPUTS)
    assert refusal_lines(verdict) == (
        "`approval`: expected an approval of this version by `stillhouse approve`, got none",
    )
    assert verdict.lacks_only_approval
    approved = judge(gate, "edge", evaluation(), None, GateInputs(approved_by="anna", approved_at=NOW))
    assert approved.passed
    assert limit_texts(approved)[-1].got == "one by anna at 2026-01-01 00:00:00 UTC"
    assert not judge(Gate(quality={"accuracy": 1.0}), "edge", evaluation(), None, INPUTS).lacks_only_approval


@pytest.mark.parametrize(("hours", "got"), [(23.9999, "23.9999"), (24.0, None), (100.0, None)])
def test_the_hours_in_the_required_environment_are_a_limit_like_the_others(hours: float, got: str | None) -> None:
    gate = Gate(approval="automatic", requires="staging", minimum_hours=24)
    expected = [f"`minimum_hours`: expected at least 24, got {got} (in staging)"] if got else []
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


METRICS = metrics_of("classification")


def fresh(**changes: Any) -> FreshScore:
    metrics = {"accuracy": 0.91, "recall/a": 0.99, "recall/b": 0.7, "calibration_error": 0.04}
    return FreshScore.model_validate({"samples": 100, "metrics": metrics, "support": {"a": 50, "b": 50}} | changes)


def test_a_champion_is_judged_on_fresh_samples_by_the_limits_that_labels_can_judge() -> None:
    quality = {"accuracy": 0.95, "recall.worst": 0.6, "calibration_error": 0.03}
    gate = Gate(quality=quality, below_teacher={"accuracy": 0.0}, p95_ms=1, bytes=1, agreement=1.0)
    checks = judge_fresh(gate, METRICS, fresh(), group_samples=20)
    assert {check.limit: check.passed for check in checks} == {
        "quality.accuracy": False,
        "quality.recall.worst": True,
        "quality.calibration_error": False,
    }
    accuracy = next(check for check in checks if check.limit == "quality.accuracy")
    assert (accuracy.threshold, accuracy.value) == (0.95, 0.91)
    assert judge_fresh(Gate(bytes=1), METRICS, fresh(), group_samples=20) == ()


def test_a_class_of_too_few_fresh_samples_is_not_judged() -> None:
    support = {**fresh().support, "c": 19}
    gate, found = (
        Gate(quality={"recall.worst": 0.6}),
        fresh(metrics=fresh().metrics | {"recall/c": 0.1}, support=support),
    )
    assert [check.passed for check in judge_fresh(gate, METRICS, found, group_samples=20)] == [True]
    (check,) = judge_fresh(gate, METRICS, found, group_samples=19)
    assert (check.value, check.where, check.passed) == (0.1, "class c", False)
    assert judge_fresh(gate, METRICS, found, group_samples=51) == ()


def licensed(data: str | None, *teachers: str) -> EvaluationRecord:
    """Returns an evaluation of data and teachers under these licences."""
    made = evaluation()
    return made.model_copy(
        update={
            "data": made.data.model_copy(update={"licence": data}),
            "student": made.student.model_copy(update={"licences": teachers}),
        }
    )


ALLOWED = Gate(approval="automatic", licences=("MIT", "CC BY"))


@pytest.mark.parametrize(
    ("data", "teachers", "refused"),
    [
        ("CC BY 4.0 (of the museum)", ("MIT",), {}),
        ("CC BY-NC 4.0", ("MIT",), {"data": ("CC BY-NC 4.0",)}),
        ("MIT", ("MIT", "AGPL-3.0", "unknown"), {"teacher": ("AGPL-3.0", "unknown")}),
        (None, (), {"data": ("unknown",)}),
    ],
)
def test_a_gate_lets_only_listed_licences_through(
    data: str | None, teachers: tuple[str, ...], refused: dict[str, tuple[str, ...]]
) -> None:
    verdict = judge(ALLOWED, "staging", licensed(data, *teachers), None, INPUTS)
    assert verdict.licences is not None
    assert verdict.licences.refused == refused
    assert verdict.passed is not bool(refused)
    lines = refusal_lines(verdict)
    assert [line.split(":")[0] for line in lines] == (["`licences`"] if refused else [])


def test_a_licence_that_is_refused_is_named_beside_those_that_are_not() -> None:
    (line,) = refusal_lines(judge(ALLOWED, "staging", licensed("MIT", "AGPL-3.0"), None, INPUTS))
    assert line == "`licences`: expected data and teacher under one of `MIT`, `CC BY`, got teacher under `AGPL-3.0`"


def test_a_gate_without_licences_asks_for_none() -> None:
    assert judge(FREE, "staging", licensed(None, "AGPL-3.0"), None, INPUTS).passed
