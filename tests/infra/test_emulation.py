"""The device's wheel on an emulated arm64: as here, bit by bit; and not as a processor whose fast kernels saturate."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.emulation.ingredients import LOCK, REQUIREMENTS, WHEELS
from infra.emulation.run import emulated_answers
from tasks.core.errors import InputError, IntegrityError
from tasks.evaluate.proving import compared
from tasks.runtime.proof.answers import to_npz
from tasks.runtime.proof.receipt import SignedAnswers, read_receipt_file
from tests.infra.made_int8 import made_int8

REPOSITORY = Path(__file__).parents[2]
CAN = shutil.which("qemu-aarch64") and shutil.which("qemu-x86_64") and shutil.which("unshare") and os.geteuid() == 0
needs_emulator = pytest.mark.skipif(not CAN, reason="needs qemu-user and root")
WITHOUT_EXACT_KERNELS = """
import sys
sys.path[:0] = [{site!r}, {root!r}]
import onnxruntime as ort
add = ort.SessionOptions.add_session_config_entry
ort.SessionOptions.add_session_config_entry = (
    lambda self, name, value: None if name == "session.x64quantprecision" and {without} else add(self, name, value)
)
sys.argv[1:] = {arguments!r}
import runpy
runpy.run_module("tasks.runtime.proof", run_name="__main__")
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A bundle whose sums saturate in the fast kernels of processors without VNNI, and samples for it."""
    bundle, inputs = made_int8(tmp_path_factory.mktemp("int8"), unsigned=True)
    return bundle, to_npz({"inputs": inputs["inputs"][:200]})


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHOUSE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def on_x86_without_vnni(bundle: Path, samples: bytes, folder: Path, *, without: bool) -> SignedAnswers:
    """Returns what this project's runtime answers on an emulated x86 that has AVX2 and no VNNI."""
    (folder / "samples.npz").write_bytes(samples)
    arguments = [str(bundle), str(folder / "samples.npz"), str(folder / "receipt.zip"), "500"]
    site = str(next(Path(path) for path in sys.path if path.endswith("site-packages")))
    code = WITHOUT_EXACT_KERNELS.format(site=site, root=str(REPOSITORY), without=without, arguments=arguments)
    python = str(Path(sys.executable).resolve())
    quiet = {**os.environ, "ORT_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(["qemu-x86_64", "-cpu", "max", python, "-c", code], check=True, env=quiet, capture_output=True)
    return read_receipt_file(folder / "receipt.zip")


@pytest.mark.slow
@needs_emulator
def test_an_emulated_arm64_answers_bit_by_bit_as_this_machine(asked: tuple[Path, bytes], state: None) -> None:
    bundle, samples = asked
    proof = compared(bundle, samples, emulated_answers(bundle, samples), "arm64", emulated=True)
    assert (proof.samples, proof.flips, proof.difference, proof.passed) == (200, 0, 0.0, True)
    assert proof.runtime == re.search(r"^onnxruntime==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)[1]  # type: ignore[index]


@pytest.mark.slow
@needs_emulator
def test_without_the_exact_kernels_another_x86_answers_otherwise_and_the_number_of_flips_is_said(
    asked: tuple[Path, bytes], tmp_path: Path
) -> None:
    bundle, samples = asked
    exact = compared(
        bundle, samples, on_x86_without_vnni(bundle, samples, tmp_path, without=False), "x86", emulated=True
    )
    assert exact.passed, exact.words
    fast = compared(bundle, samples, on_x86_without_vnni(bundle, samples, tmp_path, without=True), "x86", emulated=True)
    assert not fast.passed
    assert fast.flips > 0
    assert fast.words.startswith(f"{fast.flips} of 200 answers differ on x86")


def test_the_list_pins_the_versions_of_the_lock_by_their_digests() -> None:
    known = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", REQUIREMENTS.read_text(), re.MULTILINE))
    lines = [line.split() for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    assert {name: version for kind, name, version, _ in lines if kind == "wheel"} == {
        name: known[name] for name in WHEELS
    }
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for *_, digest in lines)


def test_a_machine_without_an_emulator_is_told_so_in_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="expected the program qemu-aarch64, got none; install it"):
        emulated_answers(tmp_path, b"")


def test_packages_of_which_a_byte_differs_are_refused(tmp_path: Path) -> None:
    from infra.emulation.ingredients import _require_digest

    (tmp_path / "a.deb").write_bytes(b"another")
    with pytest.raises(IntegrityError, match=r"`a.deb`: expected sha256 0+, got"):
        _require_digest(tmp_path / "a.deb", "0" * 64)
