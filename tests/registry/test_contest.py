import pytest

from benchmarks.registry import contest


def test_processes_that_promote_and_roll_back_at_once_always_leave_exactly_one_champion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("STILLHOUSE_HOME", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "set back afterwards")
    outcome = contest(operations=12, processes=3)
    assert outcome.wrong == ()
    assert outcome.versions == 1
    assert outcome.events["promoted"] > 2
    assert outcome.events["rolled back"] > 0
