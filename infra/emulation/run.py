"""The device's wheel with a bundle on an emulated processor, in namespaces of its own: no network, no other cpuinfo."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from infra.emulation.ingredients import FOLDER, INTERPRETER, SITE, emulated_root, require_programs
from tasks.core.errors import InputError, StageError, mismatch
from tasks.runtime.proof.receipt import SignedAnswers, read_receipt_file

EMULATORS = ("qemu-aarch64", "qemu-aarch64-static")
PROCESSOR = "max,sve=off"
"""what the libraries are given to choose their kernels by; ONNX Runtime's for SVE crash under emulation"""
SECONDS, LAST = 200.0, 900.0
"""after which no further sample is taken, and after which it is ended"""
DEVICE = FOLDER.parent / "device"


def emulated_answers(bundle: Path, samples: bytes, seconds: float = SECONDS) -> SignedAnswers:
    """Returns what the device's wheel answers on an emulated arm64.

    Args:
        bundle: the folder of the release.
        samples: an `.npz` of its named inputs.
        seconds: after which it takes no further sample.

    Raises:
        InputError: this machine cannot emulate.
        StageError: the emulated process fails, or packages cannot be had.
    """
    emulator = _emulator()
    with tempfile.TemporaryDirectory() as name:
        folder, root = Path(name), emulated_root()
        (folder / "samples.npz").write_bytes(samples)
        device = device_wheel(folder)
        work = ["-m", "stillhouse_edge.proof", str(bundle), str(folder / "samples.npz"), str(folder / "receipt.zip")]
        interpreter = [emulator, "-cpu", PROCESSOR, "-L", str(root), str(root / INTERPRETER)]
        _run([*interpreter, "-s", "-B", *work, str(seconds)], f"{device}:{root / SITE}")
        return read_receipt_file(folder / "receipt.zip")


def device_wheel(folder: Path) -> Path:
    """Builds the wheel for devices, and returns the folder it is unpacked in."""
    if not DEVICE.is_dir():
        do = "run it in a clone of Stillhouse, which builds the wheel for devices, or prove it on a device: `--pack`"
        raise InputError(mismatch("stillhouse prove", str(DEVICE), "a folder", "none", do))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel", "--no-deps"]
    done = subprocess.run([*pip, "--wheel-dir", str(folder), str(DEVICE)], capture_output=True, text=True, check=False)
    wheels = [*folder.glob("stillhouse_edge-*.whl")]
    if done.returncode or not wheels:
        got = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise StageError(mismatch("emulation", "pip wheel", "the wheel for devices", got, "see `make wheel`"))
    zipfile.ZipFile(wheels[0]).extractall(folder / "device")
    return folder / "device"


def _emulator() -> str:
    found = next((path for name in EMULATORS if (path := shutil.which(name))), None)
    if found is None or sys.platform != "linux":
        require_programs(EMULATORS[0])
    require_programs("unshare", "mount")
    assert found is not None, "it is on the path"
    return found


def _run(command: list[str], packages: str) -> None:
    """Runs a command in namespaces of its own, where the processor's description is that of the emulated one."""
    alone = [
        "unshare",
        *([] if os.geteuid() == 0 else ["--map-root-user"]),
        "--mount",
        "--net",
        "--fork",
        "--kill-child",
    ]
    described = f'mount --bind "{FOLDER / "arm64.cpuinfo"}" /proc/cpuinfo && exec "$@"'
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": packages, "ORT_DISABLE_TELEMETRY": "1"}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            [*alone, "sh", "-c", described, "sh", *command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=LAST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        got = f"none in {LAST:g} s"
        raise StageError(mismatch("emulation", "arm64", "answers", got, "ask about fewer: `--samples 50`")) from None
    if done.returncode:
        got = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        do = "emulation needs root or user namespaces (`unshare --map-root-user true`); else prove it on a device"
        raise StageError(mismatch("emulation", "arm64", "answers", got, do))
