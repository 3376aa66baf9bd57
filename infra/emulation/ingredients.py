"""What emulation runs: Debian's Python for the target and the wheels of a device, each pinned by its sha256.

`python -m infra.emulation.ingredients` writes the list anew, with what this machine's package sources have today.
"""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tasks.core.errors import InputError, IntegrityError, StageError, mismatch
from tasks.core.files import sha256_of, whole_folder
from tasks.core.record import sha256_of_text
from tasks.core.workspace import state_dir

FOLDER = Path(__file__).parent
LOCK = FOLDER / "arm64.lock"
SYSTEM = ("libc6", "libgcc-s1", "libstdc++6", "libexpat1", "zlib1g", "libssl3", "libffi8", "liblzma5", "libbz2-1.0")
PYTHON = ("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib")
WHEELS = ("numpy", "onnxruntime", "securesystemslib")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
INTERPRETER, SITE = "usr/bin/python3.11", "site"
REQUIREMENTS = FOLDER.parents[1] / "requirements.lock"
APT = """\
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; }};
APT::Sandbox::User "root";
"""
MAKE_ANEW = "write the list anew with `python -m infra.emulation.ingredients`, and look at what changed"


def emulated_root() -> Path:
    """Returns a folder with Python for the target and what a device has beside the wheel; made once for each list.

    Raises:
        InputError: a program that makes it is not there.
        StageError: a package cannot be had.
        IntegrityError: a package has other bytes than the list says.
    """
    root = state_dir() / "emulation" / f"arm64-{sha256_of_text(LOCK.read_text(encoding='utf-8'))[:12]}"
    if not root.is_dir():
        require_programs("apt-get", "dpkg-deb")
        with whole_folder(root) as folder, tempfile.TemporaryDirectory() as scratch:
            _fill(folder, Path(scratch))
    return root


def require_programs(*names: str) -> None:
    """Raises InputError where a program is not on the path."""
    from shutil import which

    missing = [name for name in names if which(name) is None]
    if missing:
        do = "install it (Debian: qemu-user, util-linux, apt, dpkg), or prove it on a device of that kind: `--pack`"
        raise InputError(mismatch("stillhouse prove", "", f"the program {missing[0]}", "none", do))


def _fill(root: Path, scratch: Path) -> None:
    kinds: dict[str, list[list[str]]] = {"deb": [], "wheel": []}
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, *rest = line.split()
            kinds[kind].append(rest)
    for path in _debs([f"{name}={version}" for name, version, _ in kinds["deb"]], scratch):
        name = path.name.partition("_")[0]
        _require_digest(path, next(sha for known, _, sha in kinds["deb"] if known == name))
        _run(["dpkg-deb", "-x", str(path), str(root)])
    for path in _wheels([f"{name}=={version}" for name, version, _ in kinds["wheel"]], scratch):
        name = path.name.partition("-")[0]
        _require_digest(path, next(sha for known, _, sha in kinds["wheel"] if known == name))
        zipfile.ZipFile(path).extractall(root / SITE)


def _debs(packages: Sequence[str], scratch: Path) -> Iterator[Path]:
    """Downloads packages of the target by apt, whose keys sign them, without a change of this machine's own apt."""
    for name in ("state/lists/partial", "cache/archives/partial", "debs"):
        (scratch / name).mkdir(parents=True)
    (scratch / "status").touch()
    settings = scratch / "apt.conf"
    settings.write_text(APT.format(folder=scratch))
    environment = {**os.environ, "APT_CONFIG": str(settings)}
    _run(["apt-get", "--quiet", "update"], environment)
    _run(["apt-get", "--quiet", "download", *packages], environment, scratch / "debs")
    yield from sorted((scratch / "debs").glob("*.deb"))


def _wheels(packages: Sequence[str], scratch: Path) -> Iterator[Path]:
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps"]
    where = ["--only-binary", ":all:", "--python-version", "3.11", "--dest", str(scratch / "wheels")]
    _run([*pip, *where, *platforms, *packages])
    yield from sorted((scratch / "wheels").glob("*.whl"))


def _run(command: Sequence[str], environment: dict[str, str] | None = None, folder: Path | None = None) -> None:
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        got = said[-1] if said else f"exit code {done.returncode}"
        raise StageError(mismatch("emulation", " ".join(command[:2]), "the packages of the list", got, MAKE_ANEW))


def _require_digest(path: Path, expected: str) -> None:
    if (got := sha256_of(path)) != expected:
        raise IntegrityError(mismatch("emulation", path.name, f"sha256 {expected}", got, MAKE_ANEW))


def _write_list() -> None:
    """Writes the list: of Debian what is newest, of the wheels the versions of `requirements.lock`."""
    known = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE))
    lines = ["# What emulation of arm64 runs, pinned by sha256; written by `python -m infra.emulation.ingredients`."]
    with tempfile.TemporaryDirectory() as scratch:
        for path in _debs([*SYSTEM, *PYTHON], Path(scratch)):
            name, version, _ = path.name.split("_")
            lines.append(f"deb {name} {version.replace('%3a', ':')} {sha256_of(path)}")
        for path in _wheels([f"{name}=={known[name]}" for name in WHEELS], Path(scratch)):
            name, version = path.name.split("-")[:2]
            lines.append(f"wheel {name} {version} {sha256_of(path)}")
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write_list()
