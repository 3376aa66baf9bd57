"""Which release a training begins with, on a ledger that is written by hand and with weights that are there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from sqlalchemy import insert

from flows.warm_start import NO_RELEASE, WarmStart
from params.models import Cnn
from params.student import Student
from params.teacher import TrainedTeacher
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import DataSpec, ModelRecord, Statistics
from tasks.core.files import artefact_of
from tasks.models.build import build_model
from tasks.models.weights import save_weights
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.database import engine
from tasks.registry.ledger.tables import DECISIONS
from tasks.upkeep.needs import needs_of
from tests.evaluate.report.made import NOW, data, evaluation, model, release
from tests.registry.made import forget

NETWORK = {"kind": "cnn", "channels": [4]}
TRAINING = {"epochs": 40, "learning_rate": 0.01, "warm": {"epochs": 8, "learning_rate": 0.002}}


def student(**init: Any) -> Student:
    asked = {"kind": "champion", "fresh_every": 3, **init}
    return Student.model_validate({"architecture": NETWORK, "training": TRAINING, "init": asked})


@pytest.fixture(autouse=True)
def ledger_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / "state"))
    forget()
    yield
    forget()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Weights that fit the student, in a file of their own."""
    found = data()
    statistics = Statistics(mean=(0.0,), std=(1.0,))
    spec = DataSpec(input=found.input, task=found.task, targets=found.targets, statistics=statistics)
    torch.manual_seed(0)
    path = tmp_path / "model.safetensors"
    save_weights(build_model(Cnn.model_validate(NETWORK), spec), path)
    return path


def made(version: int, weights: Path, began: Beginning | None = None, **changes: Any) -> None:
    """Writes a release of a week's data into the ledger, all of whose networks are those of one file."""
    file = artefact_of(weights)
    week = data(version=f"week-{version}", card_sha256=f"{version}" * 64)
    networks = {role: model(role, weights=file, beginning=began) for role in ("teacher", "student")}
    networks["baseline"] = ModelRecord.model_validate({**networks["student"].model_dump(), "role": "baseline"})
    found = evaluation(data=week, **(networks | changes))
    one = release().model_copy(
        update={"model": "trees", "version": version, "fingerprint": f"{version}", "data_version": week.version}
    )
    ledger.add_release(one, found)


def leads(version: int, environment: str = "staging") -> None:
    row = {"model": "trees", "environment": environment, "event": "promoted", "version": version, "previous": None}
    rest = {
        "who": "me",
        "reason": "r",
        "verdict": "{}",
        "verdict_sha256": "",
        "time": NOW,
        "before": f"{environment} {version}",
        "digest": "",
    }
    with engine().begin() as connection:
        connection.execute(insert(DECISIONS).values(**row, **rest))


def week(number: int) -> WarmStart:
    return WarmStart("trees", data(version=f"week-{number}", card_sha256=f"{number}" * 64))


def test_without_a_release_training_begins_as_the_recipe_says_otherwise_with_the_whole_budget() -> None:
    section, start = week(1).student(student(otherwise="teacher"))
    assert start == Beginning(reason=NO_RELEASE)
    assert section.init == section.first_init != "random"
    assert (section.training.epochs, section.training.learning_rate, section.training.warm) == (40, 0.01, None)


def test_the_newest_champion_is_begun_with_and_not_a_later_release_that_leads_nowhere(weights: Path) -> None:
    made(1, weights)
    made(2, weights)
    made(3, weights)
    leads(1, "edge")
    leads(2, "staging")
    section, start = week(4).student(student())
    assert start is not None
    assert (start.version, start.generation, start.weights) == (2, 1, artefact_of(weights))
    assert (section.training.epochs, section.training.learning_rate, section.training.warm) == (8, 0.002, None)
    assert section.init == "random"


def test_where_nothing_leads_the_last_release_is_begun_with(weights: Path) -> None:
    made(1, weights)
    made(2, weights)
    _, start = week(3).baseline(student())
    assert start is not None
    assert start.version == 2


def test_another_champion_is_another_key_of_the_stage_and_a_reason_is_none(weights: Path) -> None:
    begun = Beginning(version=2, generation=1, weights_sha256="0" * 64, weights=artefact_of(weights))
    assert begun.digest == begun.on_record.digest
    assert begun.digest != begun.model_copy(update={"weights_sha256": "1" * 64}).digest
    assert Beginning(reason="one").digest == Beginning(reason="two").digest


def test_data_that_a_release_is_made_of_begins_where_that_began_whoever_leads_now(weights: Path) -> None:
    made(1, weights)
    made(2, weights, Beginning(version=1, generation=1, weights_sha256="a"))
    leads(2)
    _, start = week(2).student(student())
    assert start is not None
    assert (start.version, start.generation) == (1, 1)
    _, first = week(1).student(student())
    assert first is not None
    assert first.version is None


def test_one_release_of_three_begins_from_nothing_whether_a_gate_let_it_in_or_not(weights: Path) -> None:
    made(1, weights)
    made(2, weights, Beginning(version=1, generation=1))
    leads(2)
    assert week(3).student(student())[1] == Beginning(
        version=2, generation=2, weights_sha256=weights_digest(weights), weights=artefact_of(weights)
    )
    made(3, weights, Beginning(version=2, generation=2))
    leads(3)
    _, start = week(4).student(student())
    assert start is not None
    assert start.reason == "one release of 3 does, as the recipe says"
    made(4, weights, start)  # and its gate refuses it: version 3 leads on
    _, after = week(5).student(student())
    assert after is not None
    assert (after.version, after.generation) == (3, 1)


def weights_digest(weights: Path) -> str:
    return artefact_of(weights).sha256


def test_another_architecture_other_targets_and_lost_weights_are_said_and_begin_from_nothing(weights: Path) -> None:
    made(1, weights)
    wider = student().model_copy(update={"architecture": Cnn.model_validate({"kind": "cnn", "channels": [8]})})
    _, start = week(2).student(wider)
    assert start is not None
    assert "does not fit" in start.reason
    assert "instead of" in start.reason
    others = WarmStart("trees", data(version="w", targets=data().targets.model_copy(update={"names": ("a", "b", "c")})))
    _, start = others.student(student())
    assert start is not None
    assert "its targets are others, or in another order" in start.reason
    weights.unlink()
    _, start = week(2).student(student())
    assert start is not None
    assert "got no file" in start.reason


def test_a_teacher_that_goes_on_carries_the_licences_of_the_first_of_its_line(weights: Path) -> None:
    licensed = model("teacher", weights=artefact_of(weights), licences=("CC BY-NC 4.0",))
    made(1, weights, teacher=licensed)
    asked = {"kind": "train", "architecture": NETWORK, "training": TRAINING, "init": {"kind": "champion"}}
    section, start = week(2).teacher(TrainedTeacher.model_validate(asked))
    assert isinstance(section, TrainedTeacher)
    assert start is not None
    assert start.licences == ("CC BY-NC 4.0",)
    assert section.training.epochs == 8


def test_clean_up_leaves_the_networks_that_a_release_which_stays_began_with(weights: Path) -> None:
    made(1, weights)
    made(2, weights, Beginning(version=1, generation=1))
    first, second = ledger.releases()
    parent = ledger.evaluation_of(first)
    kept = needs_of([(second, ledger.evaluation_of(second))], [parent])
    assert parent.teacher.weights.uri in kept.uris
    assert kept.versions == {("trees", 2)}
    assert needs_of([], [parent]).uris == {parent.teacher.weights.uri}


def test_a_recipe_that_does_not_ask_has_its_sections_as_they_are() -> None:
    plain = Student.model_validate({"architecture": NETWORK, "training": {"epochs": 3}})
    assert week(1).student(plain) == (plain, None)


def test_what_else_is_made_of_the_release_is_said_where_training_begins_with_one(weights: Path) -> None:
    asked = student(focal=2.0, interpolate=True)
    assert week(1).student(asked)[1] == Beginning(reason=NO_RELEASE)
    made(1, weights)
    for _, start in (week(2).student(asked), week(2).baseline(asked)):
        assert start is not None
        assert (start.version, start.focal, start.interpolate) == (1, 2.0, True)
    plain = week(2).student(student())[1]
    assert plain is not None
    assert (plain.focal, plain.interpolate) == (None, False)
