"""Measures every candidate as the file it is, in the runtime that ships, on validation data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.compress.bench import Bench
from tasks.compress.operators import executed_operators
from tasks.files import artefact_of
from tasks.records import Candidate
from tasks.runtime.latency import measure
from tasks.runtime.session import Session
from tasks.training.arrays import SplitArrays
from tasks.training.predict import predict_logits

WARMUP, REPEATS = 50, 300


@dataclass(frozen=True)
class Student:
    """The uncompressed student on validation data, in torch: what candidates are compared with."""

    logits: NDArray[np.float32]
    accuracy: float


def measure_student(bench: Bench) -> Student:
    """Returns the logits and the primary score of the torch student."""
    logits = predict_logits(bench.student, bench.validation)
    return Student(logits, _primary(bench, logits))


def measure_candidates(bench: Bench, files: Mapping[str, Path], student: Student) -> list[Candidate]:
    """Returns a record per file, without judgement on limits; latency at batch 1, candidates interleaved."""
    sessions = {name: Session(path.read_bytes(), bench.params.target.threads) for name, path in files.items()}
    first = bench.validation.gather(np.arange(1))
    times = measure(sessions, first.inputs, first.lengths, WARMUP, REPEATS)
    return [_candidate(bench, name, files[name], session, times[name], student) for name, session in sessions.items()]


def _candidate(
    bench: Bench, name: str, path: Path, session: Session, times: NDArray[np.float64], student: Student
) -> Candidate:
    logits = _logits_of(session, bench.validation)
    return Candidate(
        name=name,
        onnx=artefact_of(path),
        target=bench.params.target,
        accuracy=_primary(bench, logits),
        p50_ms=float(np.percentile(times, 50)),
        p95_ms=float(np.percentile(times, 95)),
        parity=float(np.abs(logits - student.logits).max()),
        operators=executed_operators(path.read_bytes()),
    )


def _logits_of(session: Session, split: SplitArrays) -> NDArray[np.float32]:
    return np.concatenate([session.predict(batch.inputs, batch.lengths) for batch in split.batches()])


def _primary(bench: Bench, logits: NDArray[Any]) -> float:
    return bench.kind.quick_scores(logits, bench.validation.labels())[bench.kind.primary]
