"""What a person sees of a run that goes on, without a terminal: lines."""

import io
import json

import pytest

from cli.output import console, log, stages
from tasks.core.progress import StageAdvanced, StageEnded, StageStarted

LINE = "12 candidates"


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(console.console, "_file", stream)
    return stream


def test_a_log_gets_a_line_about_a_long_stage_now_and_then(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    display = stages.StageDisplay(verbose=False)
    display.on_event(StageStarted("teacher"))
    display.on_event(StageAdvanced("teacher", 1, 30, "epoch 1 of 30, 900 samples/s"))
    assert out.getvalue() == ""
    monkeypatch.setattr(stages, "LINE_SECONDS", 0.0)
    display.on_event(StageAdvanced("teacher", 2, 30, "epoch 2 of 30, 900 samples/s"))
    assert out.getvalue() == "  ...     teacher        epoch 2 of 30, 900 samples/s, about 0 s left\n"


def test_what_is_left_is_told_from_the_steps_that_were_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    pace = stages.Pace()

    def told(seconds: float, done: int, total: int) -> str:
        nonlocal now
        now += seconds
        return pace.left(StageAdvanced("student", done, total))

    assert [told(50, 64, 128), told(2, 128, 128), told(1, 64, 128)] == [
        "",
        ", about 0 s left",
        "",
    ]  # answers, two views
    assert [told(9, 60, 120), told(10, 61, 120), told(12, 62, 120)] == [
        "",
        ", about 10 min left",
        ", about 11 min left",
    ]


@pytest.mark.parametrize("verbose", [False, True])
def test_details_of_a_stage_are_lines_of_their_own_for_who_asks(out: io.StringIO, verbose: bool) -> None:
    stages.StageDisplay(verbose).on_event(StageEnded("compress", f"{LINE}\ntried fp32\ntried [fp16]", 1.25))
    first, *others = out.getvalue().splitlines()
    assert first == f"  done    compress       {LINE} (1.2 s)"
    assert [line.strip() for line in others] == (["tried fp32", "tried [fp16]"] if verbose else [])


def test_events_are_lines_of_json_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    log.write_event(StageEnded("compress", "fp32 ships", 1.25))
    line = json.loads(capsys.readouterr().err)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "event": "StageEnded",
        "stage": "compress",
        "summary": "fp32 ships",
        "seconds": 1.25,
        "reused": False,
    }
