"""One byte changed in anything that a release is made of is found, by name, and without a connection."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tasks.contracts.ancestors import Ancestor
from tasks.core.files import local_path
from tasks.registry.ledger import database
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.lineage.project import ancestry_of
from tasks.registry.lineage.verify import damage, verify, verify_ledger


@pytest.fixture
def offline(project: Any, first_run: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The project that `first_run` ran in, as the working directory of a process that cannot connect to anything."""

    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError(f"a connection was asked for: {arguments[1:]}")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("STILLHOUSE_HOME", str(project.root / ".stillhouse"))
    monkeypatch.delenv("STILLHOUSE_LEDGER_URI", raising=False)
    database.engine.cache_clear()
    yield project.root
    database.engine.cache_clear()


@contextmanager
def flipped(path: Path) -> Iterator[None]:
    """Another byte in the middle of a file, for as long as the block runs."""
    before = path.read_bytes()
    middle = len(before) // 2
    path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
    try:
        yield
    finally:
        path.write_bytes(before)


def files_behind(ancestors: tuple[Ancestor, ...]) -> dict[str, Path]:
    """What a changed file must be called -> the file, for all that lies in the folders of a release and its ancestors.

    Found by walking the disk, not by what the lineage says: a file that it forgot would not be found when it changes.
    """
    named = {f"{a.kind}: {name}": local_path(artefact.uri) for a in ancestors for name, artefact in a.files.items()}
    files = {name: path for name, path in named.items() if path is not None}
    bundle, prepared = files["release: manifest.json"].parent, files["data: dataset.json"].parent
    raw = prepared.parent / "raw"
    verdicts = bundle.parent / "verdicts"
    walked = {"release: {}": bundle, "verdicts: {}": verdicts, "data: {}": prepared, "raw data: raw/{}": raw}
    return files | {
        name.format(path.relative_to(folder)): path
        for name, folder in walked.items()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_registered_version_verifies_offline(offline: Path) -> None:
    assert ledger.releases()
    for release in ledger.releases():
        found = verify(ancestry_of(release, History.load()), offline)
        assert {one.state for one in found} == {"ok"}
    assert {one.state for one in verify_ledger(History.load())} == {"ok"}


def test_one_byte_changed_in_any_file_is_found_and_only_that_file_is_named(offline: Path) -> None:
    ancestors = ancestry_of(ledger.releases()[0], History.load())
    files = files_behind(ancestors)
    assert {"release: card.md", "artefact: model.onnx", "student: weights", "teacher: weights"} < files.keys()
    assert [name for name in files if name.startswith("verdicts: staging-")]
    assert {"data: train.parquet", "raw data: raw/contents.json"} < files.keys()
    for name, path in files.items():
        with flipped(path):
            assert damage(verify(ancestors, offline)) == (f"{name} is changed",)
        assert damage(verify(ancestors, offline)) == ()


@pytest.mark.parametrize(
    ("column", "row"),
    [
        ("releases.release", "ledger: release digits 1"),
        ("releases.evaluation", "ledger: release digits 1"),
        ("releases.fingerprint", "ledger: release digits 1"),
        ("runs.ingredients", "ledger: run 1"),
        ("decisions.reason", "ledger: row 1 (digits staging intended)"),
        ("decisions.verdict", "ledger: row 1 (digits staging intended)"),
    ],
)
def test_one_character_changed_in_the_ledger_is_found_and_only_that_row_is_named(
    offline: Path, column: str, row: str
) -> None:
    table, name = column.split(".")
    with sqlite3.connect(offline / ".stillhouse/ledger.db") as connection:
        (before,) = connection.execute(f"select {name} from {table} where id = 1").fetchone()
        after = before[:1] + chr(ord(before[1]) ^ 1) + before[2:]
        connection.execute(f"update {table} set {name} = ? where id = 1", (after,))
        connection.commit()
        found = damage(verify_ledger(History.load()))
        connection.execute(f"update {table} set {name} = ? where id = 1", (before,))
    assert found == (f"{row} is changed",)
    assert damage(verify_ledger(History.load())) == ()
