"""A category that comes into a table, or goes, is data and no change of its schema: the run goes on and names it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from params.pipeline import Recipe
from params.retrain import DriftLimits
from tasks.contracts.raw_columns import same_inputs, selection
from tasks.contracts.records import DataRecord, DatasetCard
from tasks.data.drift import drift_between, features_of
from tasks.data.fresh import fresh_samples
from tasks.data.news import news_of
from tasks.data.schema import schema_change
from tasks.data.task import _summary
from tasks.data.versions.repro import Outcome
from tasks.data.versions.versioning import _record
from tasks.data.versions.versions_store import Locate

MakeRecipe = Callable[..., Recipe]
Change = Callable[[Callable[[], object]], "TwoWeeks"]
READER = {"kind": "table", "label": "label", "categorical": ["colour"]}


@dataclass(frozen=True)
class TwoWeeks:
    """Prepared data, and that of a week later."""

    before: tuple[DatasetCard, Path]
    now: tuple[DatasetCard, Path]

    @property
    def cards(self) -> tuple[DatasetCard, DatasetCard]:
        return self.before[0], self.now[0]

    @property
    def records(self) -> tuple[DataRecord, DataRecord]:
        first, second = (_record(card, folder, Outcome(version="v")) for card, folder in (self.before, self.now))
        return first, second

    @property
    def files(self) -> tuple[Locate, Locate]:
        return (lambda name: self.before[1] / name), (lambda name: self.now[1] / name)

    @property
    def refused(self) -> str:
        return schema_change("mine", *self.cards)


@pytest.fixture
def after(
    make_recipe: MakeRecipe, table: Path, tmp_path: Path, prepared: Callable[[Recipe], tuple[DatasetCard, Path]]
) -> Change:
    """Prepares a table before and after it is changed."""

    def change(edit: Callable[[], object]) -> TwoWeeks:
        recipe = make_recipe({"kind": "file", "path": str(table)}, {**READER, "missing": "impute"})
        card, folder = prepared(recipe)
        shutil.copytree(folder, tmp_path / "before")
        edit()
        return TwoWeeks((card, tmp_path / "before"), prepared(recipe))

    return change


def add_rows(table: Path, *colours: str) -> None:
    """Adds rows that differ from all others."""
    start = len(table.read_text().splitlines())
    with table.open("a") as stream:
        stream.writelines(f"{n},{n * 0.5 + 0.1},{colour},{n % 3}\n" for n, colour in enumerate(colours, start))


def test_a_new_category_is_named_with_its_rows_and_nothing_is_refused(after: Change, table: Path) -> None:
    weeks = after(lambda: add_rows(table, "teal", "a", "teal", "teal", "teal", "ochre"))
    assert weeks.refused == ""
    first, second = weeks.records
    assert (first.input.shape, second.input.shape) == ((4,), (6,))
    told = (
        "`colour` `ochre` in 1 row (row 00000036)",
        "`colour` `teal` in 4 rows (row 00000031, row 00000033, row 00000034, ...)",
    )
    assert news_of(first, second) == told
    assert news_of(second, first) == news_of(first, first) == ()
    with_news = second.model_copy(update={"news": told})
    assert f"new since the latest release: {told[0]}; {told[1]}" in _summary(with_news)
    assert with_news.digest == second.digest


def test_many_new_categories_are_counted(after: Change, table: Path) -> None:
    weeks = after(lambda: add_rows(table, *(f"shade-{number}" for number in range(8))))
    told = news_of(*weeks.records)
    assert (len(told), told[-1]) == (6, "and 3 more")


def test_a_category_that_is_gone_and_columns_in_another_order_are_no_other_schema(after: Change, table: Path) -> None:
    add_rows(table, "teal", "teal")
    cells = [line.split(",") for line in table.read_text().splitlines()[:-2]]
    other = "\n".join(",".join([colour, height, width, label]) for width, height, colour, label in cells)
    weeks = after(lambda: table.write_text(other))
    first, second = weeks.cards
    assert (weeks.refused, same_inputs(first, second), selection(second, second)) == ("", True, None)
    features = selection(second, first)
    assert features is not None
    now = np.array([[0, 1, 0.5, 7]], np.float32)  # colour=a, colour=b, height, width
    assert (now @ features).tolist() == [[7, 0.5, 0, 1, 0]]  # width, height, colour=a, colour=b, colour=teal


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda width, height, colour, label: [width, colour, label], "got vectors of 3 float32 features, without"),
        (lambda width, height, colour, label: [width, height, colour, f"1{height}", label], "features, with `1height`"),
        (
            lambda width, height, colour, label: [width, f"{height}%".replace("t%", "t"), colour, label],
            "`height` of type percent, not number; correct the source",
        ),
    ],
)
def test_a_column_that_is_gone_new_or_of_another_type_is_another_schema(
    change: Callable[..., list[str]], said: str, after: Change, table: Path
) -> None:
    cells = [change(*line.split(",")) for line in table.read_text().splitlines()]
    weeks = after(lambda: table.write_text("\n".join(map(",".join, cells)) + "\n"))
    assert said in weeks.refused
    assert not same_inputs(*weeks.cards)


def test_a_first_gap_of_a_column_with_indicators_is_no_other_schema(after: Change, table: Path) -> None:
    def add_gap() -> None:
        with table.open("a") as stream:
            stream.write("90,,a,1\n")

    weeks = after(add_gap)
    assert [card.input.shape for card in weeks.cards] == [(4,), (5,)]
    assert (weeks.refused, same_inputs(*weeks.cards)) == ("", True)


def test_samples_are_compared_with_those_of_before_by_the_columns_that_both_have(after: Change, table: Path) -> None:
    weeks = after(lambda: add_rows(table, *["teal"] * 60))
    before, now = weeks.files
    found = np.concatenate([inputs["inputs"] for inputs, _ in fresh_samples(before, now)])
    assert found.shape == (60, 4)  # as the earlier model takes them: the rows that came, and no old one
    assert not found[:, 2:].any()
    features = selection(*weeks.cards)
    assert features is not None
    drift = drift_between(features_of(before, 2_000) @ features, features_of(now, 2_000), DriftLimits())
    assert (drift.features, drift.drifted) == (5, True)
