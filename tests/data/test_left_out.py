"""What is left out is counted by its rule, in the line of the run too; a rule that takes everything is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError
from tasks.data.task import _summary
from tasks.data.versions.versioning import versioned_data
from tests.data.sequence_files import LONG, long_lines, made, write

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
QUARANTINE = {"bad": "quarantine", "at_most": 1.0}


def spoilt(names: set[str]) -> list[str]:
    """Returns lines in which a number of each of these sequences is none."""
    head, *lines = long_lines(made())
    rows = [line.split(",") for line in lines]
    return [head, *(",".join([*row[:2], "much" if row[0] in names else row[2], *row[3:]]) for row in rows)]


def test_the_line_of_the_run_says_what_was_left_out_and_why(tmp_path: Path, make_recipe: MakeRecipe) -> None:
    lines = spoilt({"walk-03"})
    copies = [line.replace("walk-05", "copy") for line in lines if line.startswith("walk-05")]
    source = write(tmp_path / "walks.csv", [*lines, *copies])
    arrivals = {"bad": "quarantine", "at_most": 0.5}
    data = versioned_data(Path.cwd(), make_recipe(source, LONG, arrivals=arrivals, duplicates="drop"))
    assert data.dropped == {"duplicate": 1}
    assert data.quarantined == {"corrupt": 1}
    line = _summary(data)
    assert line.startswith("17 samples, version ")
    assert "; left out: 1 (1 duplicate); in quarantine: 1 sample (1 corrupt), " in line


def test_a_class_of_which_all_sequences_are_bad_is_said_with_the_rule_that_took_them(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    some = made()
    source = write(tmp_path / "walks.csv", spoilt({name for name in some.names if some.labels[name] == "up"}))
    with pytest.raises(DataError, match=r"`samples of up`: expected some .*, got none; left out: 9 corrupt"):
        prepared(make_recipe(source, LONG, arrivals=QUARANTINE))


def test_where_all_sequences_are_bad_it_is_said_why(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    source = write(tmp_path / "walks.csv", spoilt({*made().names[1:], made().names[0]}))
    reader = LONG | {"decimal": ","}
    with pytest.raises(DataError) as told:
        prepared(make_recipe(source, reader, arrivals=QUARANTINE))
    assert "expected numbers, got text" in str(told.value)
    lines = [line.replace(",up", ",").replace(",down", ",") for line in long_lines(made())]
    unlabelled = write(tmp_path / "unlabelled.csv", lines)
    with pytest.raises(DataError, match="expected samples, got none; left out: 18 corrupt"):
        prepared(make_recipe(unlabelled, LONG, name="other", arrivals=QUARANTINE))
