"""Each check finds what it is for, says what repairs it, and finds nothing where all is well."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tasks.upkeep import dvc_cache as cache
from tasks.upkeep import machine
from tasks.upkeep.machine import LEAST_BYTES

ROOT = Path(__file__).parents[2]


def project_that_wants(folder: Path, requirement: str, locked: str = "") -> Path:
    (folder / "pyproject.toml").write_text(f'[project]\ndependencies = ["{requirement}"]\n')
    (folder / "requirements.lock").write_text(f"# made\n{locked}\n")
    return folder


def test_the_libraries_here_are_those_that_are_known_to_work() -> None:
    assert [*machine.required_versions(machine.dependencies())] == []


@pytest.mark.parametrize("requirement", ["fastapi<0.1", "stillhouse-of-nobody>=1"])
def test_a_library_that_is_excluded_or_missing_is_named_with_what_installs_it(requirement: str) -> None:
    (found,) = machine.required_versions([requirement])
    assert "expected" in found.wrong
    assert found.repair == f"pip install -c requirements.lock '{requirement}'"


def test_a_library_of_another_version_than_the_lock_is_named_and_one_that_is_not_installed_is_not(
    tmp_path: Path,
) -> None:
    project = project_that_wants(tmp_path, "numpy", "numpy==1.0\nstillhouse-of-nobody==1.0")
    (found,) = machine.locked_versions(project)
    assert "numpy" in found.wrong
    assert "nobody" not in found.wrong


def test_another_distribution_with_a_package_of_our_names_is_named() -> None:
    (found,) = machine.collisions({"tasks": ["stillhouse", "chores"], "cli": ["stillhouse"], "numpy": ["numpy"]})
    assert "package `tasks`" in found.wrong
    assert "chores" in found.repair


def test_a_damaged_database_is_found(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as opened, opened:
        opened.execute("create table t (x)")
        opened.executemany("insert into t values (?)", [("x" * 500,)] * 200)
    assert [*machine.sqlite_databases(tmp_path)] == []
    content = bytearray((tmp_path / "ledger.db").read_bytes())
    content[4096:12288] = b"\xff" * 8192
    (tmp_path / "ledger.db").write_bytes(content)
    (found,) = machine.sqlite_databases(tmp_path)
    assert str(tmp_path / "ledger.db") in found.wrong
    assert ".recover" in found.repair


def test_a_database_that_somebody_keeps_locked_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PATIENCE_SECONDS", 0.1)
    with closing(sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)) as opened:
        opened.execute("create table t (x)")
        opened.execute("begin immediate")
        (found,) = machine.sqlite_databases(tmp_path)
    assert "locked" in found.wrong
    assert [*machine.sqlite_databases(tmp_path)] == []


def put(project: Path, content: bytes, suffix: str = "") -> Path:
    """Puts an object into the cache of a project."""
    md5 = hashlib.md5(content).hexdigest()
    path = project / cache.STORES[0] / md5[:2] / f"{md5[2:]}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("deep", [False, True])
def test_an_object_of_other_bytes_than_its_name_says_is_found(tmp_path: Path, deep: bool) -> None:
    damaged = put(tmp_path, b"one")
    put(tmp_path, b"[]", ".dir")
    assert [*cache.corrupted_objects(tmp_path, deep)] == []
    damaged.write_bytes(b"another")
    (found,) = cache.corrupted_objects(tmp_path, deep)
    assert found.repair.startswith(f"rm -f {damaged}")


def test_a_folder_of_which_a_file_is_missing_in_the_cache_is_found(tmp_path: Path) -> None:
    kept = put(tmp_path, b"one")
    listed = [{"md5": hashlib.md5(b"one").hexdigest(), "relpath": "one"}]
    put(tmp_path, json.dumps(listed).encode(), ".dir")
    assert [*cache.incomplete_folders(tmp_path)] == []
    kept.unlink()
    (found,) = cache.incomplete_folders(tmp_path)
    assert "1 of them missing" in found.wrong


def test_recipes_and_what_dvc_records_belong_together(tmp_path: Path) -> None:
    assert [*cache.recorded_data(ROOT)] == []
    (tmp_path / "params").mkdir()
    (tmp_path / "params/parts.yaml").touch()  # not run yet, which is no fault
    (tmp_path / "dvc.lock").write_text("stages: {prepare@gone: {}}")
    (gone,) = cache.recorded_data(tmp_path)
    assert "`prepare@gone`" in gone.wrong


def test_a_disk_with_little_room_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LEAST_BYTES", 0)
    assert [*machine.disk_space(tmp_path)] == []
    monkeypatch.setattr(machine, "LEAST_BYTES", LEAST_BYTES * 10**9)
    (found,) = machine.disk_space(tmp_path)
    assert found.repair == "stillhouse gc"


@pytest.mark.parametrize(("spared", "count"), [("127.0.0.1,localhost", 0), ("example.org", 1), ("", 1)])
def test_a_proxy_that_would_catch_loopback_is_found(spared: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert [*machine.proxies()] == []
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", spared)
    assert len([*machine.proxies()]) == count


def test_switches_that_send_usage_statistics_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, off in machine.OFF.items():
        monkeypatch.setenv(name, off[0])
    assert [*machine.telemetry()] == []
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    (found,) = machine.telemetry()
    assert found.repair == "unset MLFLOW_DISABLE_TELEMETRY"


def test_a_machine_reaches_itself() -> None:
    assert [*machine.loopback()] == []
