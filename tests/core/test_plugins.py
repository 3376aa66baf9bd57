import pytest

from tasks.core.errors import RecipeError
from tasks.core.plugins import available, load


def test_a_module_is_found_by_its_name() -> None:
    assert load("tasks.core.{}", "files").__name__ == "tasks.core.files"
    assert load("tasks.{}.errors", "core").__name__ == "tasks.core.errors"


@pytest.mark.parametrize("name", ["nothing", "", "..errors", "files.x", "Files"])
@pytest.mark.parametrize("pattern", ["tasks.core.{}", "tasks.{}.errors"])
def test_an_unknown_name_is_answered_with_the_known_ones(pattern: str, name: str) -> None:
    with pytest.raises(RecipeError, match=r"`recipe`: `kind`: expected one of .*(errors|core)"):
        load(pattern, name)


def test_what_is_there_is_listed_without_private_modules() -> None:
    assert {"errors", "files"} <= set(available("tasks.core.{}"))
    assert "__init__" not in available("tasks.core.{}")
    assert set(available("tasks.{}.errors")) == {"core", "runtime"}
