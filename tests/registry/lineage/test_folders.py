import hashlib
import json
from pathlib import Path

import pytest

from tasks.registry.lineage.folders import CACHE, folder_states


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A folder with two files, one of them below another folder."""
    folder = tmp_path / "raw"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"a")
    (folder / "sub/b.csv").write_bytes(b"b")
    return folder


@pytest.fixture
def version(raw: Path) -> str:
    """As DVC computes it: the md5 of the list of files."""
    return f"{md5(listing())}.dir"


def listing() -> bytes:
    entries = [{"md5": md5(b"a"), "relpath": "a.csv"}, {"md5": md5(b"b"), "relpath": "sub/b.csv"}]
    return json.dumps(entries, sort_keys=True).encode()


def keep(project: Path, content: bytes) -> None:
    digest = md5(listing())
    path = project / CACHE / digest[:2] / f"{digest[2:]}.dir"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def test_a_folder_as_it_was_is_told_without_dvc_and_without_its_cache(tmp_path: Path, raw: Path, version: str) -> None:
    assert dict(folder_states(tmp_path, raw, version)) == {"raw/a.csv": "ok", "raw/sub/b.csv": "ok"}


def test_with_the_list_in_the_cache_each_file_is_named(tmp_path: Path, raw: Path, version: str) -> None:
    keep(tmp_path, listing())
    (raw / "a.csv").write_bytes(b"x")
    (raw / "sub/b.csv").unlink()
    (raw / "more").write_bytes(b"more")
    states = {"raw/a.csv": "changed", "raw/more": "changed", "raw/sub/b.csv": "missing"}
    assert dict(folder_states(tmp_path, raw, version)) == states


@pytest.mark.parametrize("kept", [None, b"[]"])
def test_without_a_list_that_can_be_trusted_the_folder_is_named(
    tmp_path: Path, raw: Path, version: str, kept: bytes | None
) -> None:
    if kept is not None:
        keep(tmp_path, kept)
    (raw / "a.csv").write_bytes(b"x")
    assert dict(folder_states(tmp_path, raw, version)) == {"raw": "changed"}


def test_a_folder_that_is_not_on_this_machine_is_elsewhere(tmp_path: Path) -> None:
    assert dict(folder_states(tmp_path, tmp_path / "raw", "0.dir")) == {"raw": "elsewhere"}


def test_a_folder_with_newer_data_in_it_is_looked_for_in_the_cache(tmp_path: Path, version: str) -> None:
    folder = tmp_path / "data/trees/raw"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"newer")
    (tmp_path / "dvc.lock").write_text('{"stages": {"f": {"outs": [{"path": "data/trees/raw", "md5": "newer.dir"}]}}}')
    assert dict(folder_states(tmp_path, folder, version)) == {"raw": "elsewhere"}
    keep(tmp_path, listing())
    cached = tmp_path / CACHE / md5(b"a")[:2] / md5(b"a")[2:]
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_bytes(b"a")
    assert dict(folder_states(tmp_path, folder, version)) == {"raw/a.csv": "ok", "raw/sub/b.csv": "missing"}
    cached.write_bytes(b"x")
    assert dict(folder_states(tmp_path, folder, version)) == {"raw/a.csv": "changed", "raw/sub/b.csv": "missing"}
