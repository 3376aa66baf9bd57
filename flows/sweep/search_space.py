"""What a sweep may try: the students of a grid, or a search of Optuna's; each as a recipe of its own."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from flows.recipe_checks import advice_on, pinned
from flows.sweep.search import GridSearch, Search, Values, as_yaml, combinations, label_of
from params.pipeline import Recipe
from params.sweep import Grid, Optuna, Sweep
from tasks.core.errors import InputError, RecipeError, mismatch
from tasks.kinds.recipes import load_recipe, load_variants

PACKAGES = {"dask": "prefect_dask", "ray": "prefect_ray", "optuna": "optuna"}
"""which a runner or a search needs, and the extra of their name installs"""
MOST = 10_000
"""students of one grid"""


@dataclass(frozen=True)
class Variant:
    """One student of a sweep: what is its own, and the recipe that says the same."""

    values: Values
    recipe: Recipe

    @property
    def settings(self) -> tuple[str, ...]:
        """What makes this recipe of the one in the file, as it is typed behind `--set`."""
        return tuple(f"{field}={as_yaml(value)}" for field, value in self.values.items())

    @property
    def label(self) -> str:
        """The values, by the last names of their fields."""
        return label_of(self.values)


@dataclass(frozen=True)
class SearchSpace:
    """The recipe of a sweep as it was given: its file and what was typed behind `--set`."""

    project: Path
    path: Path
    overrides: tuple[str, ...]
    recipe: Recipe
    sweep: Sweep

    @classmethod
    def open(cls, project: Path, path: Path, overrides: Sequence[str]) -> "SearchSpace":
        """Returns the space, after a look at every field and value in it.

        Raises:
            RecipeError: the recipe has no `sweep`, or a field or value is wrong; every problem at once.
            InputError: a package that this sweep needs is not installed.
        """
        recipe = load_recipe(path, overrides)
        if recipe.sweep is None:
            do = "add one: `sweep: {search: grid, fields: {distill.temperature: [1, 4]}}`"
            raise RecipeError([mismatch(str(path), "sweep", "a section", "none", do)])
        if recipe.peer:
            expected = "a teacher, since a sweep is about many students of one"
            raise RecipeError([mismatch(str(path), "peer", expected, "a peer", "give a `teacher`, or run it alone")])
        _require_packages(recipe.sweep)
        space = cls(project, path, tuple(overrides), pinned(project, recipe), recipe.sweep)
        load_variants(path, overrides, space._examples())
        return space

    def variant(self, values: Values) -> Variant:
        """Returns the student of these values.

        Raises:
            RecipeError: they do not go together.
        """
        return Variant(values, pinned(self.project, load_recipe(self.path, self.overrides, values)))

    def advice(self) -> list[str]:
        """Returns what is unwise in any of the students, each once.

        Raises:
            RecipeError: an objective names a layer that one of them does not have.
        """
        said: dict[str, None] = {}
        problems: dict[str, None] = {}
        for values in self._examples():
            try:
                said |= dict.fromkeys(advice_on(self.project, self.variant(values).recipe))
            except RecipeError as error:
                problems |= dict.fromkeys(error.problems)
        if problems:
            raise RecipeError([*problems])
        return [*said]

    def search(self) -> Search:
        """Returns where to look for students."""
        if isinstance(self.sweep, Optuna):
            from flows.sweep.optuna_search import OptunaSearch

            return OptunaSearch(self.sweep)
        return GridSearch(self.sweep)

    def _examples(self) -> list[Values]:
        """Returns all students of a grid; of a search the ends of each range, one field after the other."""
        if isinstance(self.sweep, Grid):
            return self._combinations(self.sweep)
        ends = {field: span.extremes for field, span in self.sweep.fields.items()}
        first = {field: values[0] for field, values in ends.items()}
        return [first | {field: value} for field, values in ends.items() for value in values]

    def _combinations(self, grid: Grid) -> list[Values]:
        if (count := prod(len(values) for values in grid.fields.values())) > MOST:
            problem = mismatch(
                str(self.path), "sweep.fields", f"at most {MOST:,} students", f"{count:,}", "let optuna search"
            )
            raise RecipeError([problem])
        return [*combinations(grid)]


def _require_packages(sweep: Sweep) -> None:
    """Looks for what only some sweeps need."""
    for field, name in (("runner", sweep.runner), ("search", sweep.search)):
        package = PACKAGES.get(name)
        if package and importlib.util.find_spec(package) is None:
            do = f"pip install -c requirements.lock -e '.[{name}]'"
            raise InputError(mismatch("recipe", f"sweep.{field}: {name}", f"the package `{package}`", "none", do))
