"""The self-test of a release on this very device: does it answer as where it was made, and fast enough?"""

from dataclasses import dataclass

import numpy as np

from ..bundle.bundle import Golden, golden_samples, reproduce
from ..bundle.latency import measure
from ..bundle.predictor import Predictor
from ..bundle.session import MODEL, Session
from ..bundle.verify import Contents
from ..errors import SelfTestError
from .receipts import Receipt

WARMUP, REPEATS, ROUNDS = 3, 40, 3
"""A release that is too slow in a busy moment of the device is timed again, twice."""


@dataclass(frozen=True)
class Trial:
    """How a release did."""

    difference: float
    """largest difference of the golden outputs"""
    p95_ms: float
    """milliseconds for one sample"""


def try_out(contents: Contents, receipt: Receipt, limit_ms: float | None) -> Trial:
    """Runs the golden samples of verified bytes in memory, and times one sample.

    Args:
        contents: the verified bundle; its own bytes go to ONNX Runtime.
        receipt: which release it is.
        limit_ms: the largest p95 of a single sample in milliseconds; None for any.

    Raises:
        SelfTestError: it answers otherwise or slower than it should.
        ManifestError, ModelError, WrongInputError: it cannot be run.
    """
    session = Predictor(contents, receipt).session
    difference = reproduce(contents, session)
    golden = golden_samples(contents)
    p95_ms = _p95_ms(session, golden)
    for _ in range(ROUNDS - 1):
        if limit_ms is None or p95_ms <= limit_ms:
            break
        p95_ms = min(p95_ms, _p95_ms(session, golden))
    if limit_ms is not None and p95_ms > limit_ms:
        raise SelfTestError(
            f"`model.onnx`: expected a p95 of at most {limit_ms:g} ms for one sample, got {p95_ms:.3g} ms on this"
            " device; keep the model before, or set another limit"
        )
    return Trial(difference, p95_ms)


def _p95_ms(session: Session, golden: Golden) -> float:
    one = {name: values[:1] for name, values in golden.inputs.items()}
    times = measure({MODEL: session}, one, WARMUP, REPEATS)[MODEL]
    return float(np.percentile(times, 95))
