"""A board proves its release with a command; what it signed takes the place of an emulation in front of a gate."""

import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from params.promote import Gate
from tasks.contracts.proofs import Proof, ProofCheck
from tasks.contracts.words import limit_texts
from tasks.evaluate.proving import MACHINES, compared
from tasks.registry.gate.gate_inputs import GateInputs
from tasks.registry.gate.judge import judge
from tasks.registry.ledger.history import History
from tasks.registry.promotion import prove
from tasks.runtime.device import Device
from tasks.runtime.proof.answers import to_npz
from tasks.runtime.proof.receipt import read_receipt_file
from tests.evaluate.report.made import evaluation, release
from tests.registry.made import forget
from tests.registry.test_proof import proof

SAMPLES = to_npz({"inputs": np.arange(120, dtype=np.uint8).reshape(30, 1, 2, 2)})
(ISA, *_) = MACHINES.get(platform.machine(), ("x86",))
"""what this machine can be a proof for"""
GATE = Gate.model_validate({"approval": "automatic", "proven_on": [ISA]})


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / "state"))
    forget()
    yield
    forget()


def proven(device: Device, *more: str) -> "subprocess.CompletedProcess[str]":
    """Runs the command on the device, in its home; `samples.npz` is there."""
    (device.home.path / "samples.npz").write_bytes(SAMPLES)
    asked = [sys.executable, "-m", "tasks.runtime", "--home", str(device.home.path), "prove"]
    return subprocess.run(
        [*asked, str(device.home.path / "samples.npz"), *more], capture_output=True, text=True, check=False
    )


def of_receipt(device: Device, path: Path) -> Proof:
    return compared(device.home.current.resolve(), SAMPLES, read_receipt_file(path), ISA, emulated=False)


def refused_for() -> list[str]:
    """Returns what the gate misses of proofs, as the ledger has them."""
    one = release()
    inputs = GateInputs(proofs=(ProofCheck(isa=ISA, proof=History.load().proof(one.model, one.version, ISA)),))
    verdict = judge(GATE, "edge", evaluation(), None, inputs)
    return [text.got for text in limit_texts(verdict) if "proven_on" in text.limit and not text.passed]


def test_a_signed_receipt_of_a_board_says_what_it_costs_and_a_gate_takes_it_for_an_emulation(
    device: Device, tmp_path: Path
) -> None:
    done = proven(device, "--out", str(tmp_path / "receipt.zip"))
    assert done.returncode == 0, done.stderr
    told = read_receipt_file(tmp_path / "receipt.zip")
    assert told.key is not None
    assert f"signed with key {told.key}" in done.stdout
    assert re.search(r"30 samples on \S+, p50 [\d.e-]+ ms, p95 [\d.e-]+ ms, \d+ MB", done.stdout)
    found = of_receipt(device, tmp_path / "receipt.zip")
    assert (found.by, found.samples, found.flips, found.passed, found.key) == ("device", 30, 0, True, told.key)
    assert found.p50_ms is not None
    assert found.p95_ms is not None
    assert found.peak_bytes is not None
    assert 0 < found.p50_ms <= found.p95_ms
    assert found.peak_bytes > 10_000_000

    assert "none" in refused_for()[0]
    prove(release(), proof(isa=ISA, flips=3), "emulated")
    assert "3 of 1,000 answers differ" in refused_for()[0]
    prove(release(), found, "on the bench")
    assert refused_for() == []
    assert History.load().proof(release().model, release().version, ISA) == found


def test_a_receipt_whose_latency_was_made_better_on_the_way_is_refused(device: Device, tmp_path: Path) -> None:
    assert proven(device, "--out", str(tmp_path / "receipt.zip")).returncode == 0
    with zipfile.ZipFile(tmp_path / "receipt.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    p50 = re.search(rb'"p50_ms": ([\d.e-]+)', files["receipt.json"])
    assert p50
    files["receipt.json"] = files["receipt.json"].replace(p50[0], b'"p50_ms": 1e-9')
    with zipfile.ZipFile(tmp_path / "better.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(Exception, match="expected a whole receipt"):
        of_receipt(device, tmp_path / "better.zip")


def test_samples_that_are_none_end_with_one_message_and_no_receipt(device: Device, tmp_path: Path) -> None:
    asked = [
        sys.executable,
        "-m",
        "tasks.runtime",
        "--home",
        str(device.home.path),
        "prove",
        str(tmp_path / "none.npz"),
    ]
    done = subprocess.run([*asked, "--out", str(tmp_path / "r.zip")], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "expected a file with samples, got none" in done.stderr
    assert not (tmp_path / "r.zip").exists()
