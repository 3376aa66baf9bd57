"""What every file must stand before it is measured: it runs at any shape, computes what it should, and is what it says.

Each check raises `NotPossibleError` with what was expected and what was got.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.compress.context import CompressionContext, NotPossibleError, file_pass
from tasks.compress.measure import BuiltCandidate
from tasks.compress.operators import executed_operators, integer_operators
from tasks.layouts import InputLayout, find_layout
from tasks.models.export import outputs_of
from tasks.runtime.bundle.session import Session
from tasks.runtime.errors import RuntimeBundleError
from tasks.training.predict import side_by_side

STEADY = 0.1
"""how much of the largest logit the batch may change: ranges that are found at each prediction are those of a batch"""
BATCH = 3


def check(context: CompressionContext, built: BuiltCandidate) -> None:
    """Lets a file through, or says why it may not be chosen.

    Raises:
        NotPossibleError: it does not run at another batch size or number of frames, differs from its network or from
            itself there, computes nothing in integers although it is called int8, or is not smaller than fp32.
    """
    promised = file_pass(built.kind)
    if promised.integers:
        require_integers(built.path.read_bytes())
    if promised.smaller:
        require_smaller(built.exported.stat().st_size, built.path.stat().st_size)
    try:
        session = Session(built.path.read_bytes(), context.params.target.threads)
        require_any_shape(session, find_layout(context.spec.layout))
        require_logits(context, built, session)
    except RuntimeBundleError as error:
        raise NotPossibleError(f"expected a file that runs at two shapes, got: {error}") from None


def require_integers(content: bytes) -> None:
    """Refuses a file of which ONNX Runtime executes no layer in integers, after its own fusions."""
    executed = executed_operators(content)
    if not integer_operators(executed):
        float_ones = ", ".join(
            name for name in executed if name in ("Conv", "FusedConv", "Gemm", "MatMul", "LSTM", "GRU")
        )
        raise NotPossibleError(
            f"int8 in name only: expected layers that ONNX Runtime computes in integers, got {float_ones or 'none'}"
        )


def require_smaller(plain: int, size: int) -> None:
    """Refuses a file that has not become smaller, as happens to very small networks: scales take bytes, too."""
    if size >= plain:
        raise NotPossibleError(
            f"it promises a smaller file: expected fewer than the {plain:,} bytes of fp32, got {size:,}"
        )


def require_any_shape(session: Session, form: InputLayout) -> None:
    """Refuses a file that says itself that it takes one batch size, or one number of frames, only."""
    for name, axes in form.axes.items():
        for place, axis in axes.items():
            if (side := session.inputs[name].shape[place]) is not None:
                raise NotPossibleError(f"expected any length of the axis `{axis}`, got one that is frozen at {side}")


def require_logits(context: CompressionContext, built: BuiltCandidate, session: Session) -> None:
    """Compares a sample alone and among others, sequences also at two lengths: with torch, int8 with itself."""
    some = context.validation.gather(np.arange(min(BATCH, len(context.validation)))).inputs
    alone, together = find_layout(context.spec.layout).two_shapes(some)
    got_alone, got = (side_by_side(session.predict(inputs)) for inputs in (alone, together))
    made_by = file_pass(built.kind)
    if not made_by.integers:
        for inputs, logits in ((alone, got_alone), (together, got)):
            expected = side_by_side(outputs_of(built.reference, inputs))
            allowed = made_by.tolerance * max(1.0, float(np.abs(expected).max()))
            _require_close(expected, logits, allowed, "the outputs of torch")
    else:
        allowed = STEADY * float(np.abs(got_alone).max())
        _require_close(got_alone, got[:1], allowed, "a sample's outputs whatever the batch it is in")


def _require_close(expected: NDArray[Any], got: NDArray[Any], allowed: float, what: str) -> None:
    if got.shape != expected.shape:
        raise NotPossibleError(f"expected outputs of shape {expected.shape}, got {got.shape}")
    apart = float(np.abs(got - expected).max())
    if not apart <= allowed:  # so that NaN fails
        raise NotPossibleError(f"expected {what} within {allowed:.3g}, got a difference of {apart:.3g}")
