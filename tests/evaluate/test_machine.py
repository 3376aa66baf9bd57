import subprocess
import sys
import time

import pytest

from tasks.contracts.scores import Machine
from tasks.evaluate.machine import STAT, Watch, busy_note

LINUX = pytest.mark.skipif(not STAT.is_file(), reason="only Linux says what all cores do")


@LINUX
def test_the_work_of_another_process_is_seen_and_ones_own_is_not_counted() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        watch, ends = Watch(), time.process_time() + 0.3
        while time.process_time() < ends:
            pass
        seen = watch.seen(1)
        busy.kill()
    assert seen.others is not None
    assert 0.1 < seen.others <= seen.cores
    assert seen.processor
    assert seen.load_before is not None


def machine(others: float | None, cores: int = 2) -> Machine:
    return Machine(processor="p", cores=cores, threads=1, others=others)


def test_a_machine_is_called_busy_where_others_use_half_of_what_is_left_to_them() -> None:
    assert "other processes used 0.9 of its 2 cores while latency was measured" in busy_note(machine(0.9))
    assert busy_note(machine(2.0, cores=8)) == busy_note(machine(None)) == ""
