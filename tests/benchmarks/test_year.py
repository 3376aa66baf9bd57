import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image, UnidentifiedImageError

from benchmarks.year.arrivals import BAD, BROKEN, EMPTY, FIRST, MISLABELLED, SEVERAL, WEEKLY, Arrivals
from benchmarks.year.clock import moved
from benchmarks.year.picture import draw_year
from benchmarks.year.weeks import Week

ROOT = Path(__file__).parents[2]
MOVE = """
import sqlite3, subprocess, time
from datetime import UTC, datetime
from benchmarks.year.clock import move_to
started = time.monotonic()
move_to(datetime(2040, 1, 2, 3, 4, 5, tzinfo=UTC))
time.sleep(0.01)
print(datetime.now(UTC).date(), f"{time.time():.0f}"[:4], f"{time.monotonic() - started:.0f}")
print(sqlite3.connect(":memory:").execute("select date('now')").fetchone()[0])
print(subprocess.run(["date", "+%F"], capture_output=True, text=True).stdout.strip())
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_moved_clock_moves_dates_everywhere_and_waiting_nowhere(tmp_path: Path) -> None:
    environment = {**os.environ, **moved(tmp_path), "PYTHONPATH": str(ROOT)}
    said = subprocess.run([sys.executable, "-c", MOVE], env=environment, capture_output=True, text=True, check=False)
    assert said.stdout.split() == ["2040-01-02", "2209", "0", "2040-01-02", "2040-01-02"], said.stderr


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> tuple[Arrivals, dict[int, tuple[str, int, int]]]:
    """All arrivals of a year, and after each week: what came, how many files there are and how many are no pictures."""
    arrivals = Arrivals(tmp_path_factory.mktemp("year") / "pictures")
    arrivals.begin()
    seen = {}
    for week in range(1, 53):
        came = arrivals.come(week, _some(arrivals))
        files = sorted(arrivals.folder.glob("*/*.png"))
        seen[week] = came, len(files), sum(not _opens(path) for path in files)
    return arrivals, seen


def _some(arrivals: Arrivals) -> list[str]:
    return [path.relative_to(arrivals.folder).as_posix() for path in arrivals.folder.glob("digit-*/*.png")][:9]


def _opens(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.verify()
    except UnidentifiedImageError:
        return False
    return True


def test_a_year_brings_what_it_says_and_nothing_of_it_is_lost(
    year: tuple[Arrivals, dict[int, tuple[str, int, int]]],
) -> None:
    arrivals, seen = year
    assert {week for week, (came, _, _) in seen.items() if came == "empty"} == {*EMPTY}
    assert {week: came for week, (came, _, _) in seen.items() if week in BAD} == BAD
    assert (seen[BROKEN][0], seen[MISLABELLED][0]) == ("broken", "mislabelled")
    assert seen[BROKEN][2] - seen[BROKEN + 1][2] == 100
    assert arrivals.injected == Counter({kind: SEVERAL * [*BAD.values()].count(kind) for kind in BAD.values()})
    assert seen[52][1] == FIRST + WEEKLY * (52 - 1 - len(EMPTY)) + SEVERAL * len(BAD)
    assert seen[52][2] == arrivals.injected["corrupt"]


def test_the_picture_of_a_year_needs_no_champion_and_changes_its_ink_in_the_dark() -> None:
    accuracy = {"teacher": 0.9, "baseline": 0.8, "student": 0.85, "shipped": 0.85}
    lived = [
        Week(1, "good", "refused", "", 1, "d", 300, accuracy=accuracy),
        Week(2, "empty", "nothing to do", ""),
        Week(3, "corrupt", "released", "", 2, "e", 320, accuracy={**accuracy, "champion": 0.85}),
    ]
    drawn = draw_year(lived)
    assert drawn == draw_year(lived)
    assert b"prefers-color-scheme: dark" in drawn
    assert b"<text" in drawn
