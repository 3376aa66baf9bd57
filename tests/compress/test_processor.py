"""A measurement on another processor than the target's says so."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from params.compress import Target
from params.models import Cnn
from tasks.compress import processor
from tasks.compress.compress import compress
from tasks.compress.processor import notes_on, this_isa
from tasks.core.progress import silent
from tasks.runtime.bundle.session import Session
from tests.compress.conftest import MakeContext, logits_of

INT8, FLOAT = {"QLinearConv": 2}, {"Conv": 2}


def target(isa: str) -> Target:
    return Target.model_validate({"isa": isa})


@pytest.mark.parametrize(
    ("machine", "flags", "expected"),
    [
        ("x86_64", "fpu avx2 avx512_vnni", "x86-vnni"),
        ("x86_64", "fpu avx2 avx_vnni", "x86-vnni"),
        ("x86_64", "fpu avx2", "x86"),
        ("AMD64", None, None),
        ("aarch64", "asimd", "arm64"),
        ("riscv64", "rv64", None),
    ],
)
def test_the_instruction_set_is_read_from_the_flags_of_the_processor(
    machine: str, flags: str | None, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpuinfo"
    if flags:
        file.write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nprocessor\t: 1\nflags\t\t: {flags}\n")
    monkeypatch.setattr(processor, "CPUINFO", file)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert this_isa() == expected


def test_latency_of_int8_on_a_processor_without_vnni_is_not_that_of_the_target() -> None:
    (note,) = notes_on(target("x86-vnni"), INT8, "x86")
    assert "latency was measured on an x86 processor, whose exact int8 kernels are slower" in note
    assert "measure on the device, or set `compress.target.isa: x86`" in note


def test_float_files_are_the_same_with_and_without_vnni() -> None:
    assert notes_on(target("x86-vnni"), FLOAT, "x86") == ()
    assert notes_on(target("arm64"), FLOAT, "x86") != ()


def test_a_measurement_on_the_target_needs_no_note_and_one_on_an_unknown_processor_does() -> None:
    assert notes_on(target("x86"), INT8, "x86") == ()
    (note,) = notes_on(target("x86"), INT8, None)
    assert "a processor of an unknown kind" in note


def test_every_candidate_carries_its_notes(
    tiny_images: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.compress.measure.this_isa", lambda: "x86")
    context = make_context(tiny_images, Cnn(kind="cnn", channels=(8, 16)), limits={"below_student": {}})
    plain, int8 = compress(context, silent).candidates
    assert plain.notes == ()
    assert len(int8.notes) == 1


def test_int8_computes_here_what_its_integers_say(tiny_images: Path, make_context: MakeContext) -> None:
    """Without VNNI, ONNX Runtime's default kernels cut sums off; where they do not, this shows nothing."""
    context = make_context(tiny_images, Cnn(kind="cnn", channels=(16, 32)), limits={"below_student": {}})
    done = compress(context, silent)
    content = done.built["static_int8"].path.read_bytes()
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL  # float, as the graph is written
    reference = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    expected = np.concatenate([reference.run(None, dict(b.inputs))[0] for b in context.validation.batches()])
    got = logits_of(context, Session(content))
    step = np.diff(np.unique(expected)).min()
    assert np.abs(got - expected).max() < 1.5 * step
