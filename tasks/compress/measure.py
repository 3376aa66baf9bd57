"""Measures every candidate as the file it is, in the runtime that ships, on validation data."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.compress.context import CompressionContext, file_pass
from tasks.compress.operators import executed_operators
from tasks.compress.processor import notes_on, this_isa
from tasks.contracts.records import Candidate
from tasks.core.files import artefact_of
from tasks.models.build import Network, count_parameters
from tasks.runtime.bundle.latency import measure
from tasks.runtime.bundle.session import Session
from tasks.training.arrays import SplitArrays
from tasks.training.predict import predict, side_by_side

WARMUP, REPEATS = 50, 300


@dataclass(frozen=True)
class BuiltCandidate:
    """A candidate: the network after its passes, and the file that was made of that."""

    name: str
    kind: str
    """of the pass that made the file"""
    network: Network
    exported: Path
    """the network in fp32"""
    path: Path
    changed: bool
    """whether the network is another than the student"""
    reference: Network
    """what the file is compared with: the network, or that which learned on the grid of the file"""


def measure_student(context: CompressionContext) -> float:
    """Returns the primary score of the uncompressed student in torch, on validation data."""
    return primary_of(context, side_by_side(predict(context.student, context.validation)))


def measure_candidates(context: CompressionContext, built: Sequence[BuiltCandidate]) -> list[Candidate]:
    """Returns a record per file, without judgement on limits; latency at batch 1, candidates interleaved."""
    sessions = {one.name: Session(one.path.read_bytes(), context.params.target.threads) for one in built}
    first = context.validation.gather(np.arange(1))
    times = measure(sessions, first.inputs, WARMUP, REPEATS)
    return [_candidate(context, one, sessions[one.name], times[one.name]) for one in built]


def _candidate(
    context: CompressionContext, built: BuiltCandidate, session: Session, times: NDArray[np.float64]
) -> Candidate:
    logits = logits_of(session, context.validation)
    content = built.path.read_bytes()
    executed = executed_operators(content)
    return Candidate(
        name=built.name,
        onnx=artefact_of(built.path),
        packed_bytes=len(zlib.compress(content, 9)),
        architecture=built.network.architecture,
        parameters=count_parameters(built.network),
        target=context.params.target,
        accuracy=primary_of(context, logits),
        p50_ms=float(np.percentile(times, 50)),
        p95_ms=float(np.percentile(times, 95)),
        parity=float(np.abs(logits - side_by_side(predict(built.reference, context.validation))).max()),
        operators=executed,
        tolerance=file_pass(built.kind).tolerance,
        notes=notes_on(context.params.target, executed, this_isa()),
    )


def logits_of(session: Session, split: SplitArrays) -> NDArray[np.float32]:
    """Returns what a file says of a whole split, (n, outputs)."""
    return np.concatenate([side_by_side(session.predict(batch.inputs)) for batch in split.batches()])


def primary_of(context: CompressionContext, logits: NDArray[Any]) -> float:
    """Returns the primary score of logits on validation data."""
    return context.kind.quick_scores(logits, context.validation.labels())[context.kind.primary]
