"""What a release answers to given samples here, one after the other, and what that costs."""

import hashlib
import io
import platform
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..bundle.bundle import golden_samples
from ..bundle.decoder import decoder_of
from ..bundle.footprint import peak_bytes
from ..bundle.session import INPUTS, MODEL, Arrays, Session
from ..bundle.verify import Contents
from ..errors import WrongInputError

FORMAT = 1
MILLI = 1000.0
"""milliseconds in a second"""


@dataclass(frozen=True)
class ProofAnswers:
    """The outputs for the first so many samples, and everything else that a receipt says, as JSON values."""

    facts: dict[str, Any]
    outputs: dict[str, NDArray[Any]]


def answers_to(contents: Contents, samples: bytes, seconds: float | None = None) -> ProofAnswers:
    """Answers the golden samples of a verified bundle, then given samples, one after the other.

    Args:
        contents: of the bundle.
        samples: an `.npz` of the named inputs of many samples.
        seconds: after which it takes no further sample; None for all of them.

    Raises:
        WrongInputError: the samples are not what the model takes.
        ManifestError, ModelError: the bundle is not what it should be.
    """
    session = Session(contents.file(MODEL), contents.manifest.target.threads)
    golden = golden_samples(contents)
    difference = decoder_of(contents.manifest, session).difference(golden.outputs, session.predict(golden.inputs))
    outputs, milliseconds = _answered(session, read_arrays(samples), seconds)
    facts = {
        "format": FORMAT,
        "release": contents.release,
        "samples_sha256": hashlib.sha256(samples).hexdigest(),
        "answered": len(milliseconds),
        "golden_difference": difference,
        "outputs_sha256": hashlib.sha256(to_npz(outputs)).hexdigest(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "onnxruntime": ort.__version__,
        "numpy": np.__version__,
        "threads": contents.manifest.target.threads,
        "p50_ms": float(np.percentile(milliseconds, 50)),
        "p95_ms": float(np.percentile(milliseconds, 95)),
        "peak_bytes": peak_bytes(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return ProofAnswers(facts, outputs)


def to_npz(arrays: Arrays) -> bytes:
    """Returns named arrays as bytes; equal arrays give equal bytes."""
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return stream.getvalue()


def read_arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """Returns the named arrays of an `.npz`.

    Raises:
        WrongInputError: it is none, or holds something else than arrays.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise WrongInputError(f"`samples`: expected an .npz of arrays, got {error}; write it again") from None


def _answered(
    session: Session, inputs: Arrays, seconds: float | None
) -> tuple[dict[str, NDArray[Any]], NDArray[np.float64]]:
    """Returns the outputs of the samples that there was time for, and the milliseconds that each took."""
    parts, milliseconds = list[dict[str, NDArray[Any]]](), list[float]()
    begun = perf_counter()
    for place in range(len(inputs.get(INPUTS, ()))):
        started = perf_counter()
        if seconds is not None and parts and started - begun > seconds:
            break
        parts.append(session.predict({name: values[place : place + 1] for name, values in inputs.items()}))
        milliseconds.append((perf_counter() - started) * MILLI)
    if not parts:
        raise WrongInputError("`samples`: expected at least one sample as `inputs`, got none; write it again")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, np.array(milliseconds)
