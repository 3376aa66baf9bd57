"""The Dockerfiles: linted, their files there, their stages lean, and what they install to be had from the lock."""

import fnmatch
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.infra.described import IMAGES, INFRA, REPOSITORY, instructions, last_stage

EACH = pytest.mark.parametrize("image", IMAGES)
PYTHON = "3.11.15"
"""of the images; the tests may run with another"""
OF_CUDA = ("cuda-", "nvidia-", "triton")
"""what a build of torch for GPUs needs beside it; its own release pins them, the lock does not"""
LEFT_OUT = {"setuptools"}
"""`pip freeze`, which writes the lock, leaves it out"""
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@EACH
def test_a_dockerfile_has_no_finding_of_its_linter(image: str) -> None:
    linter = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert linter is not None
    command: list[str | Path] = [linter, INFRA / f"images/{image}.Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@EACH
def test_both_stages_begin_with_one_pinned_python(image: str) -> None:
    bases = {rest.split()[0] for word, rest in instructions(image) if word == "FROM"}
    assert bases == {f"python:{PYTHON}-slim-bookworm"}


@EACH
def test_what_runs_is_a_normal_user_without_compilers(image: str) -> None:
    stage = last_stage(image)
    user = [rest for word, rest in stage if word == "USER"][-1]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    runs = " ".join(rest for word, rest in stage if word == "RUN")
    installed = re.findall(r"apt-get install -y --no-install-recommends ([^&]*)&&", runs)
    assert [words.split() for words in installed] == ([["git", "libjemalloc2"]] if image == "stillhouse" else [])
    assert "pip" not in runs


@EACH
def test_everything_that_is_copied_is_there_and_not_ignored(image: str) -> None:
    ignored = [line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for sources in copied(image):
        for source in sources:
            assert (REPOSITORY / source).exists(), source
            assert not any(fnmatch.fnmatch(source, pattern) for pattern in ignored), source


def copied(image: str) -> list[list[str]]:
    """Returns what each COPY takes from the clone."""
    found = [rest.split() for word, rest in instructions(image) if word == "COPY" and "--from=" not in rest]
    return [[word for word in words[:-1] if not word.startswith("--")] for words in found]


def test_commands_of_the_worker_image_find_the_clone() -> None:
    # It is installed before its code is there, so nothing else leads to it.
    words = dict(last_stage("stillhouse"))
    assert f"PYTHONPATH={words['WORKDIR']} " in words["ENV"]
    assert any(word == "COPY" and rest.endswith(f" . {words['WORKDIR']}") for word, rest in last_stage("stillhouse"))


def test_the_worker_image_has_room_for_every_package_and_loads_the_allocator_that_it_installs() -> None:
    packages = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    (made,) = (re.search(r"mkdir ([\w ]+) &&", rest) for _, rest in instructions("stillhouse") if "mkdir cli" in rest)
    assert made is not None
    assert set(made[1].split()) == set(packages["packages"])
    assert "LD_PRELOAD=libjemalloc.so.2" in dict(last_stage("stillhouse"))["ENV"]


def test_state_keys_and_data_are_in_no_image() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    of_git = [
        line.strip("/") for line in (REPOSITORY / ".gitignore").read_text().splitlines() if line and line[0] != "#"
    ]
    left_to_git = {
        ".hypothesis",
        ".import_linter_cache",
        ".venv",
        ".venv-lock",
        "__pycache__",
        "*.egg-info",
        ".*_cache",
    }
    assert set(of_git) - left_to_git <= set(ignored)
    assert {".venv*", "**/__pycache__", "**/.env"} <= set(ignored)


def test_extras_of_the_worker_image_are_those_of_the_project() -> None:
    (asked,) = (rest.removeprefix("EXTRAS=") for _, rest in instructions("stillhouse") if rest.startswith("EXTRAS="))
    assert any('-e ".[$EXTRAS]"' in rest for _, rest in instructions("stillhouse"))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert set(asked.split(",")) == set(project["optional-dependencies"]) - {"test", "optuna", "dask", "ray"}


def test_all_that_the_worker_image_installs_is_pinned_by_the_lock_to_a_version_that_fits() -> None:
    lock = {canonicalize_name(name): version for name, version in pins()}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    asked = [Requirement(one) for one in project["dependencies"]]
    asked += [Requirement(one) for name in ("postgresql", "s3") for one in project["optional-dependencies"][name]]
    seen: set[tuple[str, frozenset[str]]] = set()
    while asked:
        one = asked.pop()
        name = canonicalize_name(one.name)
        if name in LEFT_OUT or name.startswith(OF_CUDA):
            continue
        assert name in lock, f"{one} is not in the lock"
        assert one.specifier.contains(lock[name], prereleases=True), f"{one} does not fit {lock[name]}"
        if (name, frozenset(one.extras)) not in seen:
            seen.add((name, frozenset(one.extras)))
            asked += needed_by(one)
    assert len(seen) > 150


def pins() -> list[tuple[str, str]]:
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    return [(name, version) for name, _, version in (line.partition("==") for line in lines if line[0] != "#")]


def needed_by(one: Requirement) -> list[Requirement]:
    """Returns what an installed package needs with the Python of the images, with the extras that are asked for."""
    found = [Requirement(text) for text in importlib.metadata.requires(one.name) or ()]
    chosen = [{"python_full_version": PYTHON, "extra": extra} for extra in ("", *one.extras)]
    return [each for each in found if each.marker is None or any(each.marker.evaluate(where) for where in chosen)]


def test_the_device_image_is_made_of_the_wheel_of_make_wheel(index: None, tmp_path: Path) -> None:
    (line,) = [rest for _, rest in instructions("edge") if "pip wheel" in rest]
    project = re.search(r"pip wheel --no-deps --wheel-dir dist (\S+)", line)
    made = re.search(r"pip wheel .*--no-deps --wheel-dir dist (\S+)", (REPOSITORY / "Makefile").read_text())
    assert project is not None
    assert made is not None
    assert project[1] == made[1]
    for sources in copied("edge")[:-1]:
        for source in sources:
            copy_into(tmp_path / "src", source)
    wheels: list[Path] = []
    for place in (tmp_path / "src", REPOSITORY):
        target = tmp_path / f"wheels-{len(wheels)}"
        subprocess.run([*PIP, "wheel", "--no-deps", "--wheel-dir", target, place / project[1]], check=True)
        wheels.append(next(target.glob("stillhouse_edge-*.whl")))
    contents = [{name: wheel.read(name) for name in wheel.namelist()} for wheel in map(zipfile.ZipFile, wheels)]
    assert contents[0] == contents[1]
    assert "stillhouse_edge/cli.py" in contents[0]


def test_the_wheel_of_the_project_ships_its_code_and_recipes_and_nothing_that_only_a_clone_needs(
    index: None, tmp_path: Path
) -> None:
    subprocess.run([*PIP, "wheel", "--no-deps", "--wheel-dir", tmp_path, REPOSITORY], check=True)
    (wheel,) = tmp_path.glob("stillhouse-*.whl")
    contents = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert {name.partition("/")[0] for name in contents} == {"cli", "flows", "infra", "params", "tasks"}
    assert {Path(name).suffix for name in contents if name.startswith(("cli", "flows", "infra"))} == {
        ".py",
        ".lock",  # these two are what an emulated processor is made of
        ".cpuinfo",
    }
    assert {"params/digits.yaml", "tasks/evaluate/report/templates/page.html"} <= set(contents)


def copy_into(root: Path, source: str) -> None:
    (root / source).parent.mkdir(parents=True, exist_ok=True)
    if (REPOSITORY / source).is_dir():
        shutil.copytree(REPOSITORY / source, root / source, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(REPOSITORY / source, root / source)
