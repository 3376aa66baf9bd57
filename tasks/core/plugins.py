"""Modules that are found by a name in the recipe, such as `tasks/distill/objectives/kl.py` for `kind: kl`.

No table lists them and no import names them: a new one changes no other file, and so no fingerprint of a recipe that
does not use it. A stage's fingerprint covers the modules whose names occur in its inputs (`core/fingerprint.py`). The
pattern must be a literal, since it is read from the source.
"""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

from tasks.core.errors import RecipeError, mismatch

NAME = re.compile(r"[a-z][a-z0-9_]*")


def load(pattern: str, name: str) -> ModuleType:
    """Returns a module by its name, as in `load("tasks.distill.objectives.{}", "kl").objective`.

    Args:
        pattern: the module's full name with `{}` in the place of `name`: `tasks.kinds.{}.loss`.
        name: the value of `kind`, `task` or `layout` in the recipe.

    Raises:
        RecipeError: there is no such module.
    """
    module = pattern.format(name)
    try:
        if not NAME.fullmatch(name):
            raise ModuleNotFoundError(name=module)
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there; something that it imports is not
        expected = f"one of {', '.join(available(pattern))}"
        raise RecipeError([mismatch("recipe", "kind", expected, name, "choose one of them")]) from None


def available(pattern: str) -> tuple[str, ...]:
    """Returns the names for which `load` finds a module."""
    folder, _, rest = pattern.partition(".{}")
    found = Path(__file__).parents[2].joinpath(*folder.split("."))
    inside = Path(*rest.split(".")).with_suffix(".py") if rest else None
    paths = [path for path in found.glob("*") if (path / inside if inside else path.with_suffix(".py")).is_file()]
    return tuple(sorted({path.stem for path in paths if NAME.fullmatch(path.stem)}))
