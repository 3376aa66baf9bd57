"""What a proof of every recipe runs, and what it reads from a command."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from benchmarks.proofs import _last_line, shortened
from tasks.kinds.recipes import load_recipe

PARAMS = Path("params")


@pytest.mark.parametrize("path", sorted(PARAMS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_recipe_is_shortened_to_a_part_of_its_epochs_and_stays_valid(path: Path) -> None:
    recipe, changes = load_recipe(path), [*shortened(load_recipe(path), 0.1)]
    short = load_recipe(path, changes)
    assert short.student.training.epochs == max(2, round(recipe.student.training.epochs / 10))
    assert short.student.architecture == recipe.student.architecture
    trained = hasattr(recipe.teacher, "training")
    assert any(change.startswith("teacher.") for change in changes) == trained


@pytest.mark.parametrize(
    ("code", "out", "err", "told"),
    [
        (0, "comparing\nproven digits version 1: 0 of 599 answers differ  \n\n", "note", "proven digits version 1"),
        (1, "comparing\n", "warning\nstillhouse: 4 of 599 answers differ\n", "stillhouse: 4 of 599"),
        (1, "stopped before it was told why\n", "", "stopped before"),
        (137, "", "", "exit code 137"),
    ],
)
def test_what_a_command_came_to_is_its_last_line_and_of_one_that_failed_its_complaint(
    code: int, out: str, err: str, told: str
) -> None:
    assert _last_line(CompletedProcess([], code, out, err)).startswith(told)
