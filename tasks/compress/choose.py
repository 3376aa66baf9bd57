"""Which candidates keep the recipe's limits, and which of those ships."""

from collections.abc import Mapping, Sequence

from params.compress import Compress, Limits
from tasks.contracts.metrics import Metric, Values, at_most, losses
from tasks.contracts.records import Candidate
from tasks.contracts.words import check_text, counted, milliseconds
from tasks.core.errors import RefusedError

FP32 = "fp32"
"""the candidate without any pass"""


def judged(
    candidate: Candidate, limits: Limits, below: Values, metrics: Sequence[Metric], student: Values
) -> Candidate:
    """Returns the candidate with its numbers against the limits.

    Args:
        candidate: as it was measured.
        limits: of the recipe.
        below: how much worse than the student it may be, by metric.
        metrics: of the kind of task.
        student: the metrics of the uncompressed student.
    """
    checks = (
        *losses("limits.below_student", below, metrics, candidate.metrics, student),
        *at_most("limits.bytes", limits.bytes, candidate.onnx.size),
        *at_most("limits.p95_ms", limits.p95_ms, candidate.p95_ms),
    )
    return candidate.model_copy(update={"checks": checks})


def on_the_front(candidates: Sequence[Candidate], metric: Metric) -> list[Candidate]:
    """Returns the candidates, those on the Pareto front of the deciding metric, p95 latency and bytes marked."""
    return [
        candidate.model_copy(update={"on_front": not any(_dominates(other, candidate, metric) for other in candidates)})
        for candidate in candidates
    ]


def _dominates(one: Candidate, other: Candidate, metric: Metric) -> bool:
    costs, others = ((-_quality(c, metric), c.p95_ms, c.onnx.size) for c in (one, other))
    return costs != others and all(cost <= its for cost, its in zip(costs, others, strict=True))


def _quality(candidate: Candidate, metric: Metric) -> float:
    """Returns what is higher for the better candidate; NaN where the metric is none."""
    return metric.sign * candidate.metrics.get(metric.name, float("nan"))


def choose(params: Compress, metric: Metric, candidates: Sequence[Candidate], refused: Mapping[str, str]) -> Candidate:
    """Returns the best by `prefer` among the candidates that keep the limits; `metric` is the one that decides.

    Raises:
        RefusedError: there is none; the message says for each candidate why.
    """
    fit = [candidate for candidate in candidates if not candidate.broken]
    if not fit:
        raise RefusedError(_refusal(metric, candidates, refused))
    if params.prefer == "bytes":
        return min(fit, key=lambda c: (c.onnx.size, c.p50_ms))
    if params.prefer == "quality":
        highest = max(_quality(candidate, metric) for candidate in fit)
        fit = [candidate for candidate in fit if _quality(candidate, metric) == highest]
    return min(_fastest(fit), key=lambda one: (-_quality(one, metric), one.onnx.size, one.p50_ms))


def _fastest(fit: Sequence[Candidate]) -> list[Candidate]:
    """Returns the candidate with the lowest median, and those whose latency cannot be told from its own."""
    quickest = min(fit, key=lambda candidate: candidate.p50_ms)
    return [one for one in fit if one is quickest or quickest.name in one.same_latency]


def reason(params: Compress, winner: Candidate, candidates: Sequence[Candidate], refused: Mapping[str, str]) -> str:
    """Says in a sentence why a candidate ships; arguments as for `choose`."""
    fit = [candidate for candidate in candidates if not candidate.broken]
    out = len(candidates) - len(fit) + len(refused)
    left = f"; {counted(out, 'other')} broke a limit or could not be made" if out else ""
    if len(fit) == 1:
        return f"`{winner.name}` ships because it is the only candidate that keeps every limit{left}."
    best = f"{_merit(params, winner, fit)} of the {len(fit)} candidates that keep every limit on validation data"
    return f"`{winner.name}` ships because it is {best}{left}.{_cost(winner, candidates)}"


def _cost(winner: Candidate, candidates: Sequence[Candidate]) -> str:
    """Says what a winner that is not `fp32` costs against it; empty where there is nothing to compare."""
    plain = next((one for one in candidates if one.name == FP32), None)
    if plain is None or winner.name == plain.name:
        return ""
    name = next(iter(winner.metrics))
    change = f"{name} {winner.metrics[name] - plain.metrics[name]:+.4f} on validation data"
    size = f"{winner.onnx.size / plain.onnx.size - 1:+.0%} bytes"
    return f" Against `{FP32}`: {change}, {size}, {winner.p50_ms / plain.p50_ms - 1:+.0%} latency."


def _merit(params: Compress, winner: Candidate, fit: Sequence[Candidate]) -> str:
    size, speed = f"{winner.onnx.size:,} bytes", f"{milliseconds(winner.p50_ms)} ms"
    if params.prefer == "bytes":
        return f"the smallest ({size})"
    if params.prefer == "quality":
        return f"the best, and of equally good ones the fastest ({speed}, {size})"
    if len(tied := _fastest(fit)) == 1:
        return f"the fastest ({speed})"
    best = f"the best, then the smallest ({size})"
    return f"{best} of {len(tied)} whose latency cannot be told apart ({speed}), out"


def _refusal(metric: Metric, candidates: Sequence[Candidate], refused: Mapping[str, str]) -> str:
    broken = [
        f"`{c.name}`: {'; '.join(check_text(check).line for check in c.broken)} ({_measured(metric, c)})"
        for c in candidates
    ]
    impossible = [f"`{name}`: {reason}" for name, reason in refused.items()]
    lines = "\n".join(f"  {line}" for line in broken + impossible)
    do = "relax `compress.limits`, add candidates, or take another student"
    return f"`compress`: expected a candidate that keeps every limit, got none:\n{lines}\n{do}"


def _measured(metric: Metric, candidate: Candidate) -> str:
    front = ", on the Pareto front" if candidate.on_front else ""
    quality = f"{metric.title} {candidate.metrics.get(metric.name, float('nan')):.4f}"
    return f"{quality}, p95 {candidate.p95_ms:.3f} ms, {candidate.onnx.size:,} bytes{front}"
