"""Measures every candidate as the file it is, in the runtime that ships, on validation data."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.compress.context import CompressionContext, file_pass
from tasks.compress.latencies import Times, ties
from tasks.compress.operators import executed_operators
from tasks.compress.processor import notes_on, this_isa
from tasks.contracts.metrics import finite
from tasks.contracts.records import Candidate
from tasks.contracts.targets import Targets
from tasks.core.files import artefact_of
from tasks.kinds.contract import Arrays
from tasks.models.build import Network, count_parameters
from tasks.runtime.bundle.latency import measure
from tasks.runtime.bundle.session import Session
from tasks.training.predict import outputs_of

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


def measure_student(context: CompressionContext) -> dict[str, float]:
    """Returns every metric of the uncompressed student in torch, on validation data."""
    return context.measuring.values(context.measuring.seen_by(context.student, context.validation))


def measure_file(context: CompressionContext, session: Session) -> dict[str, float]:
    """Returns every metric of a file on validation data."""
    return compare_file(context, session, None)[0]


def compare_file(
    context: CompressionContext, session: Session, reference: Network | None
) -> tuple[dict[str, float], float]:
    """Returns every metric of a file on validation data, and the largest difference of an output to `reference`."""
    apart = [0.0]

    def answered() -> Iterator[tuple[Arrays, Targets]]:
        for some in context.validation.batches():
            outputs = session.predict(some.inputs)
            if reference is not None:
                apart.append(_apart(outputs, outputs_of(reference, some)))
            yield outputs, some.targets

    return context.measuring.values(context.measuring.seen(answered())), max(apart)


def measure_candidates(context: CompressionContext, built: Sequence[BuiltCandidate]) -> list[Candidate]:
    """Returns a record per file, without judgement on limits; latency at batch 1, candidates interleaved.

    Files of the same bytes are one file: they are timed once.
    """
    contents = {one.name: one.path.read_bytes() for one in built}
    first_of = {content: name for name, content in reversed(contents.items())}
    sessions = {name: Session(content, context.params.target.threads) for content, name in first_of.items()}
    measured = measure(sessions, context.validation.gather(np.arange(1)).inputs, WARMUP, REPEATS)
    times = {name: measured[first_of[content]] for name, content in contents.items()}
    tied = ties(times)
    return [
        _candidate(context, one, sessions[first_of[contents[one.name]]], times[one.name], tied[one.name])
        for one in built
    ]


def _candidate(
    context: CompressionContext, built: BuiltCandidate, session: Session, times: Times, tied: tuple[str, ...]
) -> Candidate:
    content = built.path.read_bytes()
    executed = executed_operators(content)
    metrics, parity = compare_file(context, session, built.reference)
    return Candidate(
        name=built.name,
        onnx=artefact_of(built.path),
        packed_bytes=len(zlib.compress(content, 9)),
        architecture=built.network.architecture,
        parameters=count_parameters(built.network),
        target=context.params.target,
        metrics=finite(metrics),
        p50_ms=float(np.percentile(times, 50)),
        p95_ms=float(np.percentile(times, 95)),
        same_latency=tied,
        parity=parity,
        operators=executed,
        tolerance=file_pass(built.kind).tolerance,
        notes=notes_on(context.params.target, executed, this_isa()),
    )


def _apart(ours: Arrays, theirs: Arrays) -> float:
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in theirs)
