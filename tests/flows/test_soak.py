"""Five kills at random moments; `make soak` makes a hundred, in more settings."""

import logging
import os
import random
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.soak.__main__ import told
from benchmarks.soak.kills import Start, orphans, planned, stage_of
from benchmarks.soak.outcome import Outcome
from benchmarks.soak.soak import Soak, wrong_with
from benchmarks.soak.world import FIRST, MARK, prefect_server

LOG = logging.getLogger(__name__)
KILLS, SEED = 5, 6


@pytest.mark.slow
def test_five_kills_at_random_moments_lose_nothing_and_leave_nothing(tmp_path: Path) -> None:
    with prefect_server(tmp_path / "prefect") as server:
        tally = Soak(tmp_path, server, SEED, LOG.info).until(KILLS, [FIRST])
    LOG.info(told(tally, SEED, 0))
    assert tally.killed == KILLS
    assert tally.faults == []


AS_EXPECTED = Outcome(
    versions=(("digits", 1, "a"), ("digits-teacher", 1, "t")),
    releases=((1, "a"),),
    champions={"staging": 1},
    history=(("intended", "staging", 1, None), ("promoted", "staging", 1, None)),
    files={"onnx": "0" * 64},
    metrics={"student": {"parity": 1e-6}},
    broken=(),
    left_open=(),
    leftovers=(),
)


@pytest.mark.parametrize(
    ("changed", "kinds"),
    [
        ({}, set()),
        ({"versions": (*AS_EXPECTED.versions, ("digits", 2, "a"))}, {"duplicate versions"}),
        ({"versions": AS_EXPECTED.versions[:1]}, {"lost versions"}),
        ({"releases": ()}, {"lost versions"}),
        ({"champions": {"staging": 2}}, {"wrong champions"}),
        ({"history": AS_EXPECTED.history * 2}, {"wrong champions"}),
        ({"files": {"onnx": "1" * 64}}, {"unequal results"}),
        ({"metrics": {"student": {"parity": 2e-6}}}, {"unequal results"}),
        ({"broken": ("release: model.onnx is changed",)}, {"damaged or partial files"}),
        ({"left_open": ("MLflow's `teacher`",)}, {"runs left open"}),
        ({"leftovers": ("work/1/weights",)}, {"leftovers"}),
    ],
)
def test_whatever_differs_from_the_undisturbed_run_is_counted_by_its_kind(
    changed: dict[str, Any], kinds: set[str]
) -> None:
    assert {kind for kind, _ in wrong_with(AS_EXPECTED, replace(AS_EXPECTED, **changed))} == kinds


def test_a_process_that_outlives_its_command_is_found_and_ended() -> None:
    def sleeper(mark: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: mark})

    ours, other = sleeper("outlived"), sleeper("another start")
    try:
        assert orphans(["outlived"], grace=0.1) == ["sleep 60"]
        assert ours.wait(10) == -signal.SIGKILL
        assert other.poll() is None
        assert orphans(["outlived"], grace=0.1) == []
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()


def test_kills_are_spread_over_the_run_and_take_turns_between_the_command_and_all_its_processes() -> None:
    draw = random.Random(1)
    kills = [kill for number in range(300) for kill in planned(draw, number, left=3, seconds=10)]
    assert {kill.tree for kill in planned(draw, 0, left=1, seconds=10)} == {False}
    assert {kill.tree for kill in planned(draw, 1, left=1, seconds=10)} == {True}
    assert [sum(low <= kill.after < low + 2.5 for kill in kills) > 100 for low in (0, 2.5, 5, 7.5)] == [True] * 4
    assert 0.1 < sum(kill.signal == signal.SIGTERM for kill in kills) / len(kills) < 0.3


def test_the_stage_that_a_command_was_in_is_read_from_what_it_said() -> None:
    began = "digits: running because it never ran here\n"
    done = "  done    data           1,797 samples (5.0 s)\n  reused  teacher        1,362 parameters\n"
    assert stage_of("") == "start"
    assert stage_of(began) == "data"
    assert stage_of(began + done) == "student alone"
    assert stage_of(f"{began}{done}  done    register       digits version 1 (0.5 s)\n") == "promote"
    assert stage_of(f"{began}promoted to staging: version 1, before it nothing\n") == "end"


def test_a_command_that_does_not_come_to_an_end_is_called_so() -> None:
    assert Start("1", 1, "", None).ended == "exit code 1"
    assert Start("1", -9, "", None, outlasted=60).ended == "still there after 60 s"
