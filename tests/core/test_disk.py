"""A disk that is full is one message, breaks nothing, and is forgotten when there is room again."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch

from tasks.core.errors import DiskFullError
from tasks.core.files import disk_full
from tasks.tracking.spool import Spool
from tasks.training.checkpoints.checkpoint_file import Checkpoint, read_checkpoint, write_checkpoint

SIZE = 4 * 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of four megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here: that takes root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, left: int = 0) -> Path:
    """Leaves so many bytes free, to a page or two."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    path = disk / "filling"
    with path.open("wb", buffering=0) as stream:
        stream.write(bytes(max(0, free - left)))
    return path


def checkpoint(value: float) -> Checkpoint:
    return Checkpoint({"w": torch.full((50_000,), value)}, {"epoch": value})


def test_a_checkpoint_that_has_no_room_says_how_much_it_needs_and_leaves_the_one_before(small_disk: Path) -> None:
    path = small_disk / "kept/1.safetensors"
    write_checkpoint(path, checkpoint(1.0))
    filling = fill(small_disk, left=50_000)
    with pytest.raises(DiskFullError, match=r"`.*kept.*`: expected 200,\d\d\d bytes free, got \d+,\d\d\d; free some"):
        write_checkpoint(path, checkpoint(2.0))
    assert read_checkpoint(path).state == {"epoch": 1}
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    filling.unlink()
    write_checkpoint(path, checkpoint(2.0))
    assert read_checkpoint(path).state == {"epoch": 2}


def test_metrics_that_have_no_room_are_a_full_disk_and_those_before_and_after_them_arrive(small_disk: Path) -> None:
    got: list[float] = []
    spool = Spool(small_disk / "run.jsonl", lambda measured: got.extend(one.value for one in measured), every=60)
    spool.add(1, {"loss": 1.0})
    filling = fill(small_disk)
    with pytest.raises(OSError, match="No space left") as caught:
        spool.add(2, {f"loss{number}": 2.0 for number in range(10_000)})
    assert isinstance(disk_full(caught.value, small_disk), DiskFullError)
    filling.unlink()
    spool.add(3, {"loss": 3.0})
    spool.deliver()
    assert got == [1.0, 3.0]


def test_a_full_database_behind_another_error_is_a_full_disk_and_no_other_error_is(small_disk: Path) -> None:
    with closing(sqlite3.connect(small_disk / "some.db")) as opened:
        opened.execute("create table t (x)")
        fill(small_disk)
        with pytest.raises(sqlite3.OperationalError) as caught:
            opened.executemany("insert into t values (?)", [(bytes(100_000),)] * 50)
    wrapped = RuntimeError("the store failed")
    wrapped.__cause__ = caught.value
    assert "0 bytes free" in str(disk_full(wrapped, small_disk))
    assert disk_full(RuntimeError("the store failed"), small_disk) is None


def test_a_command_on_a_full_disk_ends_with_one_message_and_works_when_there_is_room_again(small_disk: Path) -> None:
    def command() -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"STILLHOUSE_HOME": str(small_disk / "state")}
        return subprocess.run(
            [sys.executable, "-m", "cli.main", "history", "digits"],
            cwd=Path(__file__).parents[2],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    (small_disk / "state").mkdir()
    filling = fill(small_disk)
    said = command()
    assert said.returncode == 1
    assert "expected room for what is written, got a full disk: 0 bytes free" in said.stderr
    assert "Traceback" not in said.stderr
    filling.unlink()
    assert "full" not in command().stderr
