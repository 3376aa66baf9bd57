"""What happens in each week: what arrives, what the schedule runs, and what a person does in the days after."""

import io
import json
import re
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.clone import commit
from benchmarks.year.arrivals import Arrivals
from benchmarks.year.clock import move_to
from benchmarks.year.disk import size_of

MODEL, RECIPE = "year", "params/year.yaml"
TIDY, MONTH, KEEP = "gc", 4, 3
MODELS = ("teacher", "baseline", "student", "shipped")


@dataclass
class Week:
    """What came in a week and what became of it; what is not known, because nothing ran, is NaN or 0."""

    week: int
    arrived: str
    outcome: str
    """released, refused, nothing to do or stopped"""
    said: str
    version: int = 0
    data: str = ""
    samples: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    accuracy: dict[str, float] = field(default_factory=dict)
    """on the test data of the week: of what was made, and of the champion after it"""
    newly_wrong: float | None = None
    """part of the test samples that the champion of staging before had right and the file that was made has not"""
    newly_right: float | None = None
    training_seconds: float = 0.0
    """of teacher, student alone and student, those alone that were trained this week"""
    began: str = ""
    """what the student began from"""
    trained_on: int = 0
    """test samples that the champion before had been trained on"""
    edge: str = ""
    """what came of showing the champion to the gate of the edge"""
    state_bytes: int = 0
    data_bytes: int = 0
    removed_bytes: int = 0


def run_week(root: Path, arrivals: Arrivals, week: int, monday: datetime) -> Week:
    """Lets one week go by: Monday at two the schedule, on Tuesday and Friday what a person or a timer types."""
    from flows.scheduled import retrain_if_changed
    from tasks.registry.ledger.history import History

    move_to(monday)
    arrived = arrivals.come(week, _test_files(root))
    before = History.load(MODEL).champion(MODEL, "staging")
    with redirect_stdout(io.StringIO()):
        state = retrain_if_changed(RECIPE, return_state=True)
    outcome = "stopped" if state.is_failed() else str(state.name).lower()
    there = Week(week, arrived, outcome, str(state.message))
    if outcome in ("released", "refused"):
        _add_numbers(there, before, monday)
        commit(root, f"Data of week {week}")
    _go_on(there, monday)
    there.state_bytes = size_of(root / ".stillhouse", {"dvc-remote"})
    there.data_bytes = size_of(root / ".dvc/cache") + size_of(root / ".stillhouse/dvc-remote")
    with Path(root.parent, "weeks.jsonl").open("a") as lines:
        lines.write(json.dumps(asdict(there)) + "\n")
    return there


def typed(*arguments: str) -> tuple[int, str]:
    """Returns the exit code of a `stillhouse` command, carried out in this process, and what it printed."""
    from cli.main import app
    from tasks.core.errors import StillhouseError

    with redirect_stdout(io.StringIO()) as out:
        try:
            app(list(arguments), standalone_mode=False)
        except StillhouseError as error:
            return error.exit_code, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


def _add_numbers(there: Week, before: int | None, monday: datetime) -> None:
    """Fills in what the evaluation of the week says, and the champion on the same samples."""
    from tasks.registry.ledger import entries as ledger
    from tasks.registry.ledger.history import History
    from tasks.tracking.runs import history

    run = ledger.last_run(MODEL)
    release = ledger.release_of(MODEL, run.version) if run else None
    assert release is not None
    made = ledger.evaluation_of(release)
    there.version, there.data = release.version, release.data_version
    there.samples, there.quarantined = sum(made.data.samples.values()), dict(made.data.quarantined)
    scores = {"teacher": "teacher", "baseline": "baseline", "student": "student", "shipped": made.chosen}
    there.accuracy = {name: made.score(scores[name]).metrics["accuracy"].value for name in MODELS}
    ((verdict, _),) = [
        one for one in History.load(MODEL).verdicts_on(MODEL, release.version) if one[0].environment == "staging"
    ]
    if verdict.passed:
        there.accuracy["champion"] = there.accuracy["shipped"]
    elif verdict.challenge:
        there.accuracy["champion"] = verdict.challenge.champion.metrics["accuracy"].value
    if verdict.challenge:
        flips = verdict.challenge.flips
        there.newly_wrong, there.newly_right = flips.newly_wrong.value, flips.newly_right.value
    there.training_seconds = sum(
        sum(history(model.run_id, "epoch_seconds"))
        for model in (made.teacher, made.baseline, made.student)
        if model is not None and model.created >= monday
    )
    there.began = made.student.beginning.words if made.student.beginning else ""
    if before is not None:
        there.trained_on = _trained_on(before, Path(made.data.directory))


def _trained_on(version: int, prepared: Path) -> int:
    """Returns how many of the test samples of now a version has seen in its training."""
    from tasks.data.versions.versions_store import CACHE, cached
    from tasks.registry.ledger import entries as ledger

    release = ledger.release_of(MODEL, version)
    assert release is not None
    earlier = cached(CACHE.absolute(), release.data_version)
    seen = {sample.tobytes() for sample in np.load(earlier("train-00000.inputs.npy"))}
    return sum(sample.tobytes() in seen for sample in np.load(prepared / "test-00000.inputs.npy"))


def _go_on(there: Week, monday: datetime) -> None:
    """Does what follows the schedule: the edge, the signatures of its channel, a clean-up once a month."""
    if there.week == 1:
        typed("channel", "init", "edge", "--root-keys", "../root-keys")
    if there.week % MONTH == 2:
        code, said = typed("approve", MODEL, "--to", "edge", "--reason", "looked at it")
        there.edge = _edge("Monday", code, said)
        move_to(monday + timedelta(days=1, hours=8))
        code, said = typed("promote", MODEL, "--to", "edge", "--reason", "a day in staging")
        there.edge = f"{there.edge}; {_edge('Tuesday', code, said)}"
    for days in (2, 4):
        move_to(monday + timedelta(days=days))
        typed("channel", "refresh")
    if there.week % MONTH == 0:
        move_to(monday + timedelta(days=5))
        code, said = typed("gc", "--keep", str(KEEP))
        assert code == 0, said
        there.removed_bytes = sum(int(size.replace(",", "")) for size in re.findall(r"([\d,]+) bytes", said))


def _edge(day: str, code: int, said: str) -> str:
    if code == 2:
        return f"{day} nobody in staging"
    broken = ", ".join(re.findall(r"`(\w+)`: expected", said))
    passed = "moved" if "promoted to edge" in said else "there already"
    return f"{day} refused ({broken})" if code else f"{day} {passed}"


def _test_files(root: Path) -> Sequence[str]:
    table = root / f"data/{MODEL}/prepared/test.parquet"
    return [str(name) for name in pd.read_parquet(table)["id"]] if table.is_file() else ["digit-1/00001.png"]
