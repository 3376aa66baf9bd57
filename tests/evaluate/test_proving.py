"""Answers of another processor against those of this machine: what differs is counted."""

import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.core.errors import IntegrityError
from tasks.evaluate.proving import MACHINES, compared
from tasks.runtime.bundle.bundle import golden_of, write_bundle
from tasks.runtime.bundle.session import Session
from tasks.runtime.bundle.verify import read_verified
from tasks.runtime.proof.answers import answers_to, to_npz
from tasks.runtime.proof.receipt import SignedAnswers
from tests.runtime.conftest import FACTS, linear_model

PICTURES = {"inputs": np.arange(40, dtype=np.uint8).reshape(10, 1, 2, 2)}
SAMPLES = to_npz(PICTURES)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    golden = golden_of(Session(linear_model()), {"inputs": PICTURES["inputs"][:3]})
    write_bundle(tmp_path / "bundle", FACTS, linear_model(), golden)
    return tmp_path / "bundle"


def told(bundle: Path, **changes: Any) -> SignedAnswers:
    """Returns what an arm64 says that answers as this machine does."""
    answers = answers_to(read_verified(bundle), SAMPLES)
    return SignedAnswers({**answers.facts, "machine": "aarch64", **changes}, dict(answers.outputs), "k")


def test_equal_answers_are_a_proof_that_passes_and_emulation_says_nothing_of_speed(bundle: Path) -> None:
    proof = compared(bundle, SAMPLES, told(bundle), "arm64", emulated=True)
    assert (proof.samples, proof.flips, proof.difference, proof.passed) == (10, 0, 0.0, True)
    assert (proof.p50_ms, proof.p95_ms, proof.peak_bytes) == (None, None, None)
    assert " ms" not in proof.words
    real = compared(bundle, SAMPLES, told(bundle), "arm64", emulated=False)
    assert real.p50_ms is not None
    assert " ms" in real.words


def test_each_answer_that_differs_is_counted_and_a_proof_with_one_fails(bundle: Path) -> None:
    other = told(bundle)
    other.outputs["logits"] = other.outputs["logits"].copy()
    other.outputs["logits"][[2, 7], 0] += 1e6
    proof = compared(bundle, SAMPLES, other, "arm64", emulated=True)
    assert (proof.flips, proof.passed) == (2, False)
    assert proof.words.startswith("2 of 10 answers differ on arm64, by emulation")


def test_golden_samples_out_of_their_tolerance_fail_though_no_answer_differs(bundle: Path) -> None:
    proof = compared(bundle, SAMPLES, told(bundle, golden_difference=1e9), "arm64", emulated=True)
    assert (proof.flips, proof.passed) == (0, False)


def test_a_part_of_the_samples_is_compared_where_there_was_time_for_no_more(bundle: Path) -> None:
    part = told(bundle, answered=4)
    part.outputs["logits"] = part.outputs["logits"][:4]
    assert compared(bundle, SAMPLES, part, "arm64", emulated=True).samples == 4


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"release": "0" * 64}, "release"),
        ({"samples_sha256": "0" * 64}, "samples"),
        ({"machine": "riscv64"}, "processor"),
    ],
)
def test_another_release_other_samples_or_another_processor_are_refused(
    bundle: Path, changes: dict[str, str], what: str
) -> None:
    with pytest.raises(IntegrityError, match=f"`receipt`: `{what}`"):
        compared(bundle, SAMPLES, told(bundle, **changes), "arm64", emulated=False)


def test_this_machine_is_one_that_is_known() -> None:
    assert platform.machine() in MACHINES
