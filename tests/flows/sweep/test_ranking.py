from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.sweep.ranking import RankedTrial, ranked
from flows.sweep.search_space import Variant
from params.compress import Target
from params.models import Cnn
from tasks.contracts.records import Candidate, CandidatesRecord
from tasks.contracts.scores import ComparisonRecord, Score
from tasks.core.record import Artefact
from tasks.kinds.recipes import load_recipe
from tests.evaluate.report.made import interval, score

REPOSITORY = Path(__file__).parents[3]
FILE = Artefact(uri="file:///nowhere.onnx", sha256="0" * 64, size=1)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def candidates(parity: float) -> CandidatesRecord:
    facts: dict[str, Any] = {
        "architecture": Cnn(kind="cnn", channels=(4,)),
        "parameters": 1,
        "packed_bytes": 1,
        "tolerance": 1e-3,
    }
    measured: dict[str, Any] = {"metrics": {"accuracy": 1.0}, "p50_ms": 1.0, "p95_ms": 1.0, "operators": {}}
    fp32 = Candidate(name="fp32", onnx=FILE, target=Target(), parity=parity, **facts, **measured)
    return CandidatesRecord(candidates=(fp32,), chosen="fp32", run_id="r", created=NOW)


def good(name: str, accuracy: float, **changes: Any) -> Score:
    """A score that keeps every limit of the gates of `digits`, whatever its accuracy is above theirs."""
    whole = score(name, accuracy, 0, **({"p50_ms": 0.1, "p95_ms": 0.2, "size": 5_000} | changes))
    recall = {name: interval(0.9) for name in whole.metrics if name.startswith("recall/")}
    return whole.model_copy(update={"metrics": whole.metrics | recall, "agreement": whole.metrics["accuracy"]})


def order(scores: list[Score], prefer: str, parities: list[float] | None = None) -> list[RankedTrial]:
    recipe = load_recipe(REPOSITORY / "params/digits.yaml")
    variants = [Variant({"distill.alpha": place}, recipe) for place in range(len(scores))]
    made = [candidates(parity) for parity in parities or [1e-6] * len(scores)]
    teacher = score("teacher", 0.99, 0)
    files = (FILE,) * len(scores)
    compared = ComparisonRecord(teacher=teacher, students=tuple(scores), onnx=files, run_id="r", created=NOW)
    return [*ranked(variants, made, compared, prefer)]


def names(found: list[RankedTrial]) -> list[str]:
    return [one.score.name for one in found]


def test_the_best_is_the_preferred_of_those_that_keep_the_limits_of_the_gates() -> None:
    scores = [
        good("slow", 0.97, p50_ms=0.5),
        good("too large", 0.99, size=200_000),
        good("quick", 0.96, p50_ms=0.05),
        good("small", 0.955, size=3_000),
        good("inaccurate", 0.85, p50_ms=0.01, size=10),
    ]
    assert names(order(scores, "quality"))[0] == "slow"
    assert names(order(scores, "latency"))[0] == "quick"
    assert names(order(scores, "bytes"))[0] == "small"
    assert names(order(scores, "quality"))[3:] == ["too large", "inaccurate"]


def test_a_broken_limit_is_named_once_though_both_gates_set_it() -> None:
    (found,) = order([good("inaccurate", 0.85)], "quality")
    assert [refusal.split(":")[0] for refusal in found.refusals] == ["`quality.accuracy`", "`agreement`"]
    assert found.refusals[0] == "`quality.accuracy`: expected at least 0.9, got 0.85"


def test_an_export_that_is_not_its_network_breaks_a_limit_of_the_gate() -> None:
    found = order([good("wrong", 0.99), good("right", 0.96)], "quality", parities=[1.0, 1e-6])
    assert names(found) == ["right", "wrong"]
    assert "parity" in found[1].refusals[0]
