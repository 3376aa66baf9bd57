"""Proofs in the ledger, and a gate that asks for them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from params.promote import Gate
from tasks.contracts.proofs import Proof, ProofCheck
from tasks.contracts.words import refusal_lines
from tasks.registry.gate.gate_inputs import GateInputs
from tasks.registry.gate.judge import judge
from tasks.registry.ledger.chain import broken_links
from tasks.registry.ledger.history import History
from tasks.registry.promotion import prove
from tests.evaluate.report.made import evaluation, release
from tests.registry.made import forget


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path))
    forget()
    yield
    forget()


def proof(**changes: Any) -> Proof:
    whole = {"isa": "arm64", "by": "emulation", "release": "r", "samples": 1_000, "flips": 0, "difference": 0.0}
    more = {"golden_difference": 0.0, "tolerance": 1e-3, "runtime": "1.32.0", "system": "Linux"}
    return Proof.model_validate({**whole, **more, "made": datetime(2026, 3, 1, tzinfo=UTC), **changes})


def found() -> Proof | None:
    one = release()
    return History.load().proof(one.model, one.version, "arm64")


def test_the_last_proof_counts_and_that_of_a_device_replaces_emulation_for_good() -> None:
    assert found() is None
    prove(release(), proof(flips=3), "by hand")
    prove(release(), proof(), "again")
    assert found() == proof()
    device = proof(by="device", key="k", p50_ms=1.0, p95_ms=2.0, peak_bytes=3)
    prove(release(), device, "on the bench")
    prove(release(), proof(flips=1), "emulated again")
    assert found() == device
    assert History.load().proof(release().model, release().version, "x86") is None
    assert not [*broken_links(History.load())]
    assert History.load().verdicts_on(release().model, release().version) == ()


def refused(one: Proof | None) -> list[str]:
    gate = Gate.model_validate({"approval": "automatic", "proven_on": ["arm64"]})
    inputs = GateInputs(proofs=(ProofCheck(isa="arm64", proof=one),))
    return [line for line in refusal_lines(judge(gate, "edge", evaluation(), None, inputs)) if "proven_on" in line]


def test_a_gate_refuses_what_was_not_proven_and_what_answers_otherwise_and_says_of_how_many() -> None:
    assert refused(proof()) == []
    (none,) = refused(None)
    assert "none; `stillhouse prove` makes one" in none
    (flips,) = refused(proof(flips=4))
    assert "4 of 1,000 answers differ on arm64, by emulation" in flips
