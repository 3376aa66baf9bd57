from datetime import UTC, datetime

import pytest

from params.compress import Compress, Limits, Target
from params.models import Mlp
from tasks.compress.choose import choose, on_the_front, reason
from tasks.compress.choose import judged as judged_by
from tasks.compress.task import _summary
from tasks.contracts.records import Candidate, CandidatesRecord
from tasks.contracts.words import check_text
from tasks.core.errors import RefusedError
from tasks.core.record import Artefact
from tasks.kinds.limits import below_student, metrics_of

METRICS = metrics_of("classification")
ACCURACY = METRICS[0]


def candidate(
    name: str, accuracy: float = 0.9, p50: float = 1.0, size: int = 1000, p95: float = 2.0, like: tuple[str, ...] = ()
) -> Candidate:
    return Candidate(
        name=name,
        onnx=Artefact(uri=f"file:///{name}", sha256="0" * 64, size=size),
        target=Target(),
        metrics={"accuracy": accuracy},
        p50_ms=p50,
        p95_ms=p95,
        same_latency=like,
        parity=0.0,
        packed_bytes=size,
        tolerance=1e-3,
        architecture=Mlp(kind="mlp", hidden=(4,)),
        parameters=10,
        operators={},
    )


def chosen(prefer: str, *candidates: Candidate) -> str:
    return choose(Compress.model_validate({"prefer": prefer}), ACCURACY, candidates, {}).name


def judged(candidate: Candidate, limits: Limits, student: float) -> Candidate:
    below = below_student(limits.below_student, METRICS)
    return judged_by(candidate, limits, below, METRICS, {"accuracy": student})


def broken(candidate: Candidate) -> list[str]:
    return [check_text(check).line for check in candidate.broken]


def test_fastest_is_chosen_for_latency() -> None:
    assert chosen("latency", candidate("a", p50=2, size=1), candidate("b", p50=1, size=9)) == "b"


def test_tie_in_latency_goes_to_the_better_file_and_then_to_the_smaller_one() -> None:
    quick, good = candidate("quick", 0.8, p50=1.0, size=9), candidate("good", 0.9, p50=1.1, size=9, like=("quick",))
    assert chosen("latency", quick, good) == "good"
    assert chosen("latency", quick, good.model_copy(update={"same_latency": ()})) == "quick"
    small = candidate("small", 0.9, p50=1.2, size=8, like=("quick",))
    assert chosen("latency", quick, good, small) == "small"


def test_smallest_is_chosen_for_bytes() -> None:
    assert chosen("bytes", candidate("a", p50=1, size=9), candidate("b", p50=5, size=8)) == "b"


def test_most_accurate_is_chosen_for_quality_and_the_faster_of_two_equal() -> None:
    a, b, c = candidate("a", accuracy=0.8), candidate("b", accuracy=0.9, p50=2), candidate("c", accuracy=0.9, p50=1)
    assert chosen("quality", a, b, c) == "c"


def test_candidate_at_its_limit_keeps_it() -> None:
    limits = Limits(below_student={"accuracy": 0.1}, bytes=1000, p95_ms=2.0)
    assert judged(candidate("a", accuracy=0.9), limits, 1.0).broken == ()


def test_every_broken_limit_is_said_in_words() -> None:
    limits = Limits(below_student={"accuracy": 0.01}, bytes=999, p95_ms=1.5)
    assert broken(judged(candidate("a", accuracy=0.9), limits, 0.95)) == [
        "`limits.below_student.accuracy`: expected at most 0.01, got 0.05",
        "`limits.bytes`: expected at most 999, got 1,000",
        "`limits.p95_ms`: expected at most 1.5, got 2",
    ]


def test_accuracy_that_is_not_a_number_breaks_the_limit() -> None:
    assert judged(candidate("a", accuracy=float("nan")), Limits(), 0.9).broken


def test_candidate_with_a_broken_limit_is_never_chosen() -> None:
    fast = judged(candidate("a", accuracy=0.5, p50=0.1), Limits(), 0.9)
    assert chosen("latency", fast, candidate("b")) == "b"


def test_refusal_lists_every_candidate_and_why() -> None:
    slow = judged(candidate("a", p95=9), Limits(p95_ms=1), 0.9)
    big = judged(candidate("b", size=5000), Limits(bytes=100), 0.9)
    with pytest.raises(RefusedError) as refusal:
        choose(Compress(), ACCURACY, [slow, big], {"dynamic_int8": "no kernel"})
    assert "`a`: `limits.p95_ms`: expected at most 1, got 9" in str(refusal.value)
    assert "`b`: `limits.bytes`: expected at most 100, got 5,000" in str(refusal.value)
    assert "`dynamic_int8`: no kernel" in str(refusal.value)


def test_on_the_front_is_what_nothing_else_beats_in_every_way() -> None:
    best, small, slow, twin = (
        candidate("best", accuracy=0.9, p95=2, size=100),
        candidate("small", accuracy=0.8, p95=2, size=50),
        candidate("slow", accuracy=0.9, p95=3, size=100),
        candidate("twin", accuracy=0.9, p95=2, size=100),
    )
    marked = on_the_front([best, small, slow, twin], ACCURACY)
    assert [one.name for one in marked if one.on_front] == ["best", "small", "twin"]


def test_a_refusal_names_the_front() -> None:
    limits = Limits(below_student={}, bytes=1)
    made = [candidate(name, accuracy=accuracy, size=900) for name, accuracy in (("x", 0.5), ("y", 0.8))]
    candidates = on_the_front([judged(one, limits, 0.9) for one in made], ACCURACY)
    with pytest.raises(RefusedError, match="expected a candidate that keeps every limit") as refusal:
        choose(Compress(limits=limits), ACCURACY, candidates, {})
    assert "got 900 (accuracy 0.5000, p95 2.000 ms, 900 bytes)" in str(refusal.value)
    assert "got 900 (accuracy 0.8000, p95 2.000 ms, 900 bytes, on the Pareto front)" in str(refusal.value)


def test_without_a_word_a_candidate_may_lose_a_hundredth_of_the_metric_that_decides() -> None:
    assert broken(judged(candidate("a", accuracy=0.94), Limits(), 0.96))[0].startswith(
        "`limits.below_student.accuracy`"
    )
    assert not judged(candidate("a", accuracy=0.95), Limits(), 0.96).broken
    assert not judged(candidate("a", accuracy=0.1), Limits(below_student={}), 0.96).broken


def why(prefer: str, *candidates: Candidate, refused: dict[str, str] | None = None) -> str:
    params = Compress.model_validate({"prefer": prefer})
    return reason(params, choose(params, ACCURACY, candidates, refused or {}), candidates, refused or {})


def test_why_a_file_ships_is_a_sentence() -> None:
    slow, fast = candidate("slow", p50=2), candidate("fast")
    small = candidate("small", p50=1.04, size=10, like=("fast",))
    bad = judged(candidate("bad", accuracy=0.5), Limits(), student=0.9)
    assert why("latency", fast, slow) == (
        "`fast` ships because it is the fastest (1.00 ms) of the 2 candidates that keep every limit on validation data."
    )
    tied = "the best, then the smallest (10 bytes) of 2 whose latency cannot be told apart (1.04 ms), out of the 2"
    assert tied in why("latency", fast, small)
    plain = candidate("fp32", accuracy=0.91, p50=2, size=2000)
    assert why("latency", plain, fast).endswith(
        " Against `fp32`: accuracy -0.0100 on validation data, -50% bytes, -50% latency."
    )
    assert "`small` ships because it is the smallest (10 bytes) of" in why("bytes", fast, small)
    assert "`fast` ships because it is the best, and of equally good ones the fastest" in why("quality", fast, slow)
    assert why("latency", fast, bad, refused={"odd": "no"}) == (
        "`fast` ships because it is the only candidate that keeps every limit;"
        " 2 others broke a limit or could not be made."
    )


def test_a_candidate_that_could_not_be_built_is_told_with_its_reason() -> None:
    refused = {"dynamic_int8": "no operator has a kernel"}
    record = CandidatesRecord(
        candidates=(candidate("fp32"),), chosen="fp32", refused=refused, run_id="r", created=datetime.now(UTC)
    )
    assert _summary(record).splitlines()[-1] == "left out dynamic_int8: no operator has a kernel"
