"""Installation: the lists of hashes hold the versions of the lock, and a file of other bytes is refused."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tasks.core.files import sha256_of

ROOT = Path(__file__).parents[2]
LISTS = ("requirements.hashes", "requirements-test.hashes")
PINNED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return {canonicalize_name(one): version for one, version in PINNED.findall((ROOT / name).read_text())}


def test_the_lists_of_hashes_hold_the_versions_of_the_lock() -> None:
    locked, hashed = pins("requirements.lock"), {**pins(LISTS[0]), **pins(LISTS[1])}
    assert locked.keys() - hashed.keys() == {"torch"}, "run `make hashes`"
    assert {name: hashed[name] for name in locked.keys() & hashed.keys()} == {
        name: version for name, version in locked.items() if name != "torch"
    }


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_a_hash_of_each_package_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"\w==\S+[^\\]*\n(?!    --hash)", text)
    assert "://" not in text


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one wheel, an empty environment beside it, and the lists that name that wheel alone."""
    (tmp_path / "wheels").mkdir()
    wheel = tmp_path / "wheels" / "tiny-1-py3-none-any.whl"
    facts = {"METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n", "RECORD": ""}
    facts["WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "")
        for name, text in facts.items():
            file.writestr(f"tiny-1.dist-info/{name}", text)
    for name in LISTS:
        (tmp_path / name).write_text(f"tiny==1 --hash=sha256:{sha256_of(wheel)}\n")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / ".venv"], check=True)
    return tmp_path


def install(project: Path) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(project / "wheels"), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, str(ROOT / "infra" / "install.py"), ".venv", "--test"]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_pip_installs_a_file_of_these_bytes_and_no_other(project: Path) -> None:
    done = install(project)
    assert done.returncode == 0, done.stderr
    assert "packages installed, " in done.stderr
    assert [*project.glob(".venv/lib/*/site-packages/tiny.py")]


@pytest.mark.slow
def test_pip_refuses_a_file_of_other_bytes(project: Path) -> None:
    (project / LISTS[1]).write_text(f"tiny==1 --hash=sha256:{'0' * 64}\n")
    done = install(project)
    assert done.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert not [*project.glob(".venv/lib/*/site-packages/tiny.py")]
