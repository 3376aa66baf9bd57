"""A hundred bits changed at random in what is at rest: each is found by name, or its file is listed as not watched."""

import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tasks.core.errors import IntegrityError
from tasks.registry.ledger import database
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.promotion import audit, audit_bundles, roll_back
from tasks.tracking import runs
from tasks.upkeep.doctor import checks
from tests.flows.conftest import Project, make_project
from tests.flows.tiny import write_tiny

pytestmark = pytest.mark.slow
FLIPS, SEED = 100, 20_261_130
DOCS = Path(__file__).parents[2] / "docs" / "security.md"
OF_THE_MACHINE = ("versions", "disk", "ports", "proxies", "servers", "telemetry")
"""how the checks begin that are about no file"""


@pytest.fixture(scope="module")
def rested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A clone with two releases and a channel, as the working directory of this process."""
    project = make_project(tmp_path_factory.mktemp("flipped"))
    write_tiny(project.root, "tiny")
    keys = str(project.root.parent / "keys")
    commands: tuple[tuple[str, ...], ...] = (
        ("run", "params/tiny.yaml"),
        ("channel", "init", "staging", "--root-keys", keys),
        ("run", "params/tiny.yaml", "--set", "seed=1"),
    )
    for command in commands:
        done = project.stillhouse(*command)
        assert done.code == 0, done.out + done.err
    state = project.root / ".stillhouse"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        patch.setenv("STILLHOUSE_HOME", str(state))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{state / 'mlflow.db'}")
        yield project
    forget()


def forget() -> None:
    """Closes what this process has open of the databases."""
    runs.client.cache_clear()
    database.engine.cache_clear()


def found(project: Project) -> list[str]:
    """Returns in words all that audit and a deep look of doctor find, as far as it is about files."""
    forget()
    state = project.root / ".stillhouse"
    looks = checks(project.root, state, deep=True, results=state / "prefect/storage").items()
    lines = [str(one) for name, check in looks if not name.startswith(OF_THE_MACHINE) for one in check()]
    if any("ledger" in line for line in lines):
        return lines  # which audit cannot read then
    return [*lines, *(str(one) for one in (*audit_bundles(repair=False), *audit(repair=False)))]


@contextmanager
def flipped(path: Path, draw: random.Random) -> Iterator[None]:
    """Changes one bit of a file for as long as the block runs."""
    before, mode = path.read_bytes(), path.stat().st_mode
    content = bytearray(before)
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.chmod(0o600)
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)
        path.chmod(mode)


def test_each_flipped_bit_is_found_by_name_or_its_file_is_listed(rested: Project) -> None:
    draw, state = random.Random(SEED), rested.root / ".stillhouse"
    assert found(rested) == []
    places = (state, rested.root / "data", rested.root / ".dvc/cache")
    files = sorted(path for place in places for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    files = [path for path in files if path.stat().st_size]
    rows, missed = everything_in(state / "ledger.db"), []
    for path in draw.choices(files, k=FLIPS):
        with flipped(path, draw):
            named = [line for line in found_or_raised(rested) if path.name in line or id_of(path) in line]
            if not named and not is_listed(path, state, rows):
                missed.append(str(path.relative_to(rested.root)))
            if whose(path):
                refused(path, state)
    assert not missed, "\n".join(missed)
    assert found(rested) == []


def found_or_raised(project: Project) -> list[str]:
    try:
        return found(project)
    except (IntegrityError, sqlite3.DatabaseError) as error:
        return [str(error)]


def id_of(path: Path) -> str:
    """Returns what else a file may be called: a row of the ledger, an object of DVC's by its digest."""
    return {"ledger.db": "ledger"}.get(path.name, f"{path.parent.name}{path.name}".removesuffix(".dir"))


def is_listed(path: Path, state: Path, rows: list[str]) -> bool:
    """Says whether the documents list a file as not watched, and nothing that counts is other than it was."""
    if whose(path) or (path.name == "ledger.db" and everything_in(path) != rows):
        return False
    name = str(path.relative_to(state)) if path.is_relative_to(state) else str(path.relative_to(state.parent))
    return any(fnmatch(name, glob) for glob in listed())


def listed() -> list[str]:
    """Returns the patterns of the first column of the last table."""
    table = DOCS.read_text().partition("## What is not watched")[2]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [glob for cell in cells for glob in re.findall(r"`([^`]+)`", cell)]


def everything_in(path: Path) -> list[str]:
    """Returns the rows about releases, runs and decisions."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as opened:
        tables = ("releases", "runs", "decisions")
        return [repr(row) for table in tables for row in opened.execute(f"select * from {table} order by id")]


def refused(path: Path, state: Path) -> None:
    """Checks that nothing is rolled back to a bundle with a changed byte, nor published from it."""
    (earlier, *_) = History.load().champions_before("tiny", "staging")
    before = decided(state)
    if earlier in whose(path):
        with pytest.raises(IntegrityError, match=re.escape(path.name)):
            roll_back("tiny", "staging", "test")
    assert decided(state) == before


def decided(state: Path) -> tuple[int, dict[Path, int]]:
    """Returns how many decisions there are, and when the metadata of channels was written."""
    metadata = (state / "channel").rglob("*.json")
    return len(History.load().decisions), {path: path.stat().st_mtime_ns for path in metadata}


def whose(path: Path) -> set[int]:
    """Returns the versions whose bundle a file is in."""
    return {release.version for release in ledger.releases() if any(str(path) in one.uri for one in release.bundle)}
