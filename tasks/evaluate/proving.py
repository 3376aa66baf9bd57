"""A release on another processor against here: which samples it is asked about, and how its answers differ."""

from datetime import datetime
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from params.compress import ProcessorKind
from tasks.contracts.proofs import Proof
from tasks.contracts.records import DataRecord
from tasks.core.errors import IntegrityError, mismatch
from tasks.kinds.contract import MetricsPart, part
from tasks.runtime.bundle.decoder import decoder_of
from tasks.runtime.bundle.session import MODEL, Arrays, Session
from tasks.runtime.bundle.verify import Contents, read_verified
from tasks.runtime.proof.answers import answers_to, to_npz
from tasks.runtime.proof.receipt import SignedAnswers
from tasks.training.arrays import open_split

SAMPLES, OUTPUT_BYTES, LEAST = 1_000, 200_000_000, 8
"""test samples that are asked about: as many, fewer where their outputs take more bytes, and at least so many"""
SAME = 0.999
"""agreement from which on two answers are one: in a map, a few pixels may have two classes that are equally likely"""
MACHINES: dict[str, tuple[ProcessorKind, ...]] = {
    "aarch64": ("arm64",),
    "arm64": ("arm64",),
    "x86_64": ("x86", "x86-vnni"),
}
"""what a device calls its processor -> what it can be a proof for"""


def proof_samples(bundle: Path, data: DataRecord, most: int = SAMPLES) -> bytes:
    """Returns the test samples that a release is asked about, as an `.npz` of its named inputs."""
    contents = read_verified(bundle)
    session = Session(contents.file(MODEL), contents.manifest.target.threads)
    size = sum(4 * prod(side or 1 for side in output.shape[1:]) for output in session.outputs.values())
    test = open_split(Path(data.directory), "test")
    samples = test.gather(test.few(max(LEAST, min(most, OUTPUT_BYTES // max(size, 1)))))
    return to_npz(samples.inputs)


def compared(bundle: Path, samples: bytes, told: SignedAnswers, isa: ProcessorKind, emulated: bool) -> Proof:
    """Returns what another processor's answers to the same samples are against those of this machine.

    Raises:
        IntegrityError: they are of another release, of other samples, or from another processor.
    """
    contents, facts = read_verified(bundle), told.facts
    here = answers_to(contents, samples)
    _require("release", contents.release, facts["release"])
    _require("samples", here.facts["samples_sha256"], facts["samples_sha256"])
    if isa not in MACHINES.get(facts["machine"], ()):
        _require("processor", isa, facts["machine"])
    count = int(facts["answered"])
    difference, flips = _against(contents, {name: some[:count] for name, some in here.outputs.items()}, told.outputs)
    speed = {} if emulated else {name: facts[name] for name in ("p50_ms", "p95_ms", "peak_bytes")}
    return Proof(
        isa=isa,
        by="emulation" if emulated else "device",
        release=contents.release,
        samples=count,
        flips=flips,
        difference=difference,
        golden_difference=facts["golden_difference"],
        tolerance=contents.manifest.tolerance,
        runtime=facts["onnxruntime"],
        system=facts["system"],
        key=told.key or "",
        made=datetime.fromisoformat(facts["made"]),
        **speed,
    )


def _against(contents: Contents, here: Arrays, there: Arrays) -> tuple[float, int]:
    """Returns the largest difference of an output, and how many answers are others."""
    task = contents.manifest.task
    session = Session(contents.file(MODEL), contents.manifest.target.threads)
    difference = decoder_of(contents.manifest, session).difference(here, there)
    metrics: MetricsPart[Any] = part(task, "metrics", MetricsPart)
    alike: NDArray[np.float64] = np.asarray(metrics.agreement(here, there))
    return float(difference), int((alike < SAME).sum())


def _require(what: str, expected: str, got: str) -> None:
    if expected != got:
        do = "pack samples of this release with `stillhouse prove MODEL --pack FILE`, and answer them on such a device"
        raise IntegrityError(mismatch("receipt", what, expected, got, do))
