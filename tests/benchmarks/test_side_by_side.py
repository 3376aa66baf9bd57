import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.side_by_side import ARRANGEMENTS, BUSY, Arrangement, busy_cores, interleaved, seconds_at_once, table


def sleeping(seconds: float, root: Path) -> tuple[list[str], Path, dict[str, str]]:
    return [sys.executable, "-c", f"import time; time.sleep({seconds})"], root, dict(os.environ)


def test_commands_go_on_at_once_and_each_is_timed_by_itself(tmp_path: Path) -> None:
    wait = "while not pathlib.Path({other!r}).exists(): time.sleep(0.01)"
    meet = "import pathlib, time; pathlib.Path({mine!r}).touch()\n" + wait
    names = [str(tmp_path / "a"), str(tmp_path / "b")]
    words = [[sys.executable, "-c", meet.format(mine=mine, other=other)] for mine, other in (names, names[::-1])]
    assert len(seconds_at_once([(command, tmp_path, os.environ) for command in words])) == 2  # alone, neither ends
    short, long = seconds_at_once([sleeping(0.1, tmp_path), sleeping(1.5, tmp_path)])
    assert 0.1 < short < long
    assert long > 1.5


def test_a_command_that_fails_is_no_time(tmp_path: Path) -> None:
    failing = ([sys.executable, "-c", "raise SystemExit('no data')"], tmp_path, os.environ)
    with pytest.raises(ChildProcessError, match="no data"):
        seconds_at_once([failing])


def test_cores_are_busy_for_as_long_as_it_is_measured_and_no_longer() -> None:
    def busy() -> int:
        return sum(child.cmdline() == [*BUSY] for child in psutil.Process().children())

    with busy_cores():
        while busy() < len(os.sched_getaffinity(0)):  # a child is a copy of its parent at first
            time.sleep(0.01)
    assert busy() == 0


def test_each_round_begins_with_another_arrangement_and_ratios_are_of_medians() -> None:
    order: list[str] = []
    given = {"alone": (10.0,), "two at once": (20.0, 22.0), "two at once, every core busy": (35.0, 45.0)}

    def measure(arrangement: Arrangement) -> tuple[float, ...]:
        order.append(arrangement.title)
        return given[arrangement.title]

    seconds = interleaved(3, measure)
    titles = [arrangement.title for arrangement in ARRANGEMENTS]
    assert [order[0], order[3], order[6]] == titles
    assert sorted(order) == sorted(titles * 3)
    text = table("digits", seconds)
    assert "| two at once | 21.0 s | 20.0 to 22.0 s | 2.10 | 2.2 |" in text
    assert "| two at once, every core busy | 40.0 s | 35.0 to 45.0 s | 4.00 | 4.0 |" in text
    assert "| alone | 10.0 s | 10.0 to 10.0 s | 1.00 |  |" in text
