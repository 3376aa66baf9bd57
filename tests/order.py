"""Which tests share a process, and which begin first: those that take longest, so that all processes end at once."""

from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ONE_PROJECT = ("retrain", "proof", "pages", "ways_to_get_smaller", "at_rest", "interruption")
"""modules of `tests/flows` that look at one project, in which the recipe of digits ran once, in this order"""
SHARED = tuple(f"tests/flows/test_{name}.py" for name in ONE_PROJECT)
FIRST = ("tests/flows/", "tests/training/", "tests/data/", "tests/registry/", "tests/test_mutated_recipes.py")


class ByProject(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each module to one process, and all that share a project to the same."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return "one project" if module in SHARED else module


def longest_first(items: list[pytest.Item], root: Path) -> None:
    """Sorts the tests; those of one module stay together and in their order."""

    def rank(item: pytest.Item) -> tuple[int, int]:
        module = item.path.relative_to(root).as_posix()
        places = [place for place, name in enumerate(FIRST) if module.startswith(name)]
        if module in SHARED:
            return (0, SHARED.index(module))
        return (1, places[0] if places else len(FIRST))

    items.sort(key=rank)
