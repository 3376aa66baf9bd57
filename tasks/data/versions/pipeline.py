"""The list of recipes in `dvc.yaml`: read, and written with its comments and order kept.

A person writes recipes; what DVC has to watch of each follows from it, and stands here by the command's own hand.
"""

import io
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from params.data import Data
from params.pipeline import Recipe
from tasks.core.errors import RecipeError, mismatch
from tasks.core.files import whole_file
from tasks.core.progress import Notice, say
from tasks.core.workspace import MARKER
from tasks.data.versions.watched import watched

AGAIN = f"take `{MARKER}` from the repository again"


def list_recipe(project: Path, recipe: Recipe) -> None:
    """Makes the entry of a recipe in `dvc.yaml` what the recipe asks for, and tells so where that is a change.

    To be called by one process at a time.

    Raises:
        RecipeError: `dvc.yaml` has no list of recipes, or is no YAML.
    """
    pipeline = project / MARKER
    if listed(pipeline).get(recipe.name) == watched(recipe.name, recipe.data):
        return
    text = with_entry(pipeline, recipe.name, recipe.data)
    with whole_file(pipeline) as temporary:
        temporary.write_text(text, encoding="utf-8")
    say(Notice("written", f"`{MARKER}`: what DVC watches of `{recipe.name}`; commit it with the recipe"))


def listed(pipeline: Path) -> CommentedMap:
    """Returns recipe -> what DVC watches of it.

    Raises:
        RecipeError: the file has no such list, or is no YAML.
    """
    return _recipes(_read(pipeline))


def with_entry(pipeline: Path, name: str, data: Data) -> str:
    """Returns the text of `dvc.yaml` with the entry of a recipe, comments and order kept.

    Raises:
        RecipeError: as `listed`.
    """
    document = _read(pipeline)
    entry, recipes = CommentedMap(watched(name, data)), _recipes(document)
    entry.fa.set_flow_style()
    if name in recipes:
        recipes[name].clear()
        recipes[name].update(entry)  # in place: a comment behind it is a part of it
    else:  # As the first: the comment below the list belongs, to ruamel, to its last entry.
        recipes.insert(0, name, entry)
    text = io.StringIO()
    _round_trip().dump(document, text)
    return text.getvalue()


def _read(pipeline: Path) -> object:
    try:
        return _round_trip().load(pipeline)
    except (YAMLError, UnicodeDecodeError) as error:
        raise RecipeError([mismatch(str(pipeline), "", "YAML", str(error).splitlines()[0], AGAIN)]) from None


def _recipes(document: object) -> CommentedMap:
    variables = document.get("vars") if isinstance(document, dict) else None
    for entry in variables if isinstance(variables, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("recipes"), CommentedMap):
            recipes: CommentedMap = entry["recipes"]
            return recipes
    raise RecipeError([mismatch(MARKER, "vars.recipes", "the list of recipes", "none", AGAIN)])


def _round_trip() -> YAML:
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096  # an entry is one line, however long its path
    return yaml
