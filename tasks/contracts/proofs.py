"""What a release answered on another processor, against what it answers on the machine that made it."""

from datetime import datetime
from typing import Literal

from params.compress import ProcessorKind
from tasks.core.record import Record


class Proof(Record):
    """The answers of one release to test samples, on a processor and here; speed and memory are of a real device."""

    isa: ProcessorKind
    by: Literal["emulation", "device"]
    release: str
    """sha256 of the manifest of the bundle"""
    samples: int
    flips: int
    """samples whose answer is another"""
    difference: float
    """largest difference of an output, over all samples"""
    golden_difference: float
    """of the golden samples to the outputs in the bundle"""
    tolerance: float
    """of the manifest, for the golden samples"""
    runtime: str
    """version of ONNX Runtime there"""
    system: str
    key: str = ""
    """id of the key of the device that signed; empty of an emulation"""
    p50_ms: float | None = None
    """None of an emulation, which says nothing of speed"""
    p95_ms: float | None = None
    peak_bytes: int | None = None
    made: datetime

    @property
    def passed(self) -> bool:
        """Whether no answer is another, and the golden samples are reproduced."""
        return self.flips == 0 and self.golden_difference <= self.tolerance

    @property
    def words(self) -> str:
        """What it found, in a line."""
        there = f"{self.isa}, by {self.by} with onnxruntime {self.runtime}"
        found = (
            f"{self.flips:,} of {self.samples:,} answers differ on {there}; largest difference {self.difference:.2g},"
            f" golden {self.golden_difference:.2g} of {self.tolerance:.2g}"
        )
        if self.p50_ms is None or self.p95_ms is None or self.peak_bytes is None:
            return found
        return f"{found}; p50 {self.p50_ms:.3g} ms, p95 {self.p95_ms:.3g} ms, {self.peak_bytes / 1e6:.0f} MB"


class ProofCheck(Record):
    """Whether a release was proven on a processor that a gate names."""

    isa: ProcessorKind
    proof: Proof | None = None
    """None where there is none"""

    @property
    def passed(self) -> bool:
        """Whether there is a proof, and it found nothing."""
        return self.proof is not None and self.proof.passed
