"""Which candidates keep the recipe's limits, and which of those ships."""

from collections.abc import Callable, Mapping, Sequence

from params.compress import Compress, Limits
from tasks.contracts.records import Candidate
from tasks.core.errors import RefusedError

TIE = 1.05
"""medians of latency this close are equal: the same file differs as much between two runs"""
_ROUNDING = 1e-9


def judged(candidate: Candidate, limits: Limits, student_accuracy: float) -> Candidate:
    """Returns the candidate with every limit it breaks, in words."""
    drop, p95, size = student_accuracy - candidate.accuracy, candidate.p95_ms, candidate.onnx.size
    broken = []
    if limits.accuracy_drop is not None and not drop <= limits.accuracy_drop + _ROUNDING:
        broken.append(f"`limits.accuracy_drop`: expected at most {limits.accuracy_drop:g}, got {drop:.4f}")
    if limits.bytes is not None and size > limits.bytes:
        broken.append(f"`limits.bytes`: expected at most {limits.bytes:,}, got {size:,}")
    if limits.p95_ms is not None and not p95 <= limits.p95_ms:
        broken.append(f"`limits.p95_ms`: expected at most {limits.p95_ms:g}, got {p95:.4g}")
    return candidate.model_copy(update={"broken_limits": tuple(broken)})


def on_the_front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Returns the candidates, those on the Pareto front of accuracy, p95 latency and bytes marked."""
    return [
        candidate.model_copy(update={"on_front": not any(_dominates(other, candidate) for other in candidates)})
        for candidate in candidates
    ]


def _dominates(one: Candidate, other: Candidate) -> bool:
    costs, others = ((-c.accuracy, c.p95_ms, c.onnx.size) for c in (one, other))
    return costs != others and all(cost <= its for cost, its in zip(costs, others, strict=True))


def choose(params: Compress, candidates: Sequence[Candidate], refused: Mapping[str, str]) -> Candidate:
    """Returns the best by `prefer` among the candidates that keep the limits.

    Raises:
        RefusedError: there is none; the message says for each candidate why.
    """
    fit = [candidate for candidate in candidates if not candidate.broken_limits]
    if not fit:
        raise RefusedError(_refusal(candidates, refused))
    return PREFERENCES[params.prefer](fit)


def _fastest(fit: Sequence[Candidate]) -> Candidate:
    quickest = min(candidate.p50_ms for candidate in fit)
    return min((c for c in fit if c.p50_ms <= TIE * quickest), key=lambda c: (c.onnx.size, c.p50_ms))


def _smallest(fit: Sequence[Candidate]) -> Candidate:
    return min(fit, key=lambda c: (c.onnx.size, c.p50_ms))


def _most_accurate(fit: Sequence[Candidate]) -> Candidate:
    highest = max(candidate.accuracy for candidate in fit)
    return _fastest([candidate for candidate in fit if candidate.accuracy == highest])


PREFERENCES: Mapping[str, Callable[[Sequence[Candidate]], Candidate]] = {
    "latency": _fastest,
    "bytes": _smallest,
    "accuracy": _most_accurate,
}


def _refusal(candidates: Sequence[Candidate], refused: Mapping[str, str]) -> str:
    broken = [f"`{c.name}`: {'; '.join(c.broken_limits)} ({_measured(c)})" for c in candidates]
    impossible = [f"`{name}`: {reason}" for name, reason in refused.items()]
    lines = "\n".join(f"  {line}" for line in broken + impossible)
    do = "relax `compress.limits`, add candidates, or take another student"
    return f"`compress`: expected a candidate that keeps every limit, got none:\n{lines}\n{do}"


def _measured(candidate: Candidate) -> str:
    front = ", on the Pareto front" if candidate.on_front else ""
    return f"accuracy {candidate.accuracy:.4f}, p95 {candidate.p95_ms:.3f} ms, {candidate.onnx.size:,} bytes{front}"
