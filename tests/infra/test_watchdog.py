"""What a command has watched ends with it, though it be killed; what it has ended itself is left alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PROJECT = Path(__file__).parents[2]
SERVER = "sleep 60 & exec sleep 60"
"""a process and one that it started"""
COMMAND = f"""
import subprocess, sys, time
from infra.services import watchdog
server = subprocess.Popen(["sh", "-c", {SERVER!r}], start_new_session=True)
watchdog.watch(server.pid)
if "forget" in sys.argv:
    watchdog.forget(server.pid)
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("words", "left"), [([], 0), (["forget"], 2)])
def test_a_second_after_a_kill_nothing_is_left_of_what_is_watched(words: list[str], left: int) -> None:
    command = [sys.executable, "-c", COMMAND, *words]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        group = int(process.stdout.readline())
        time.sleep(0.2)  # until the shell has started what it starts
        assert len(members(group)) == 2
        process.kill()
    time.sleep(1)
    found = members(group)
    if found:
        os.killpg(group, signal.SIGKILL)
    assert len(found) == left


def members(group: int) -> list[int]:
    """Returns the processes of a group that are alive."""
    return [one.pid for one in psutil.process_iter(["status"]) if alive(one) and os.getpgid(one.pid) == group]


def alive(process: psutil.Process) -> bool:
    return bool(process.info["status"] != psutil.STATUS_ZOMBIE)
