"""Writes `docs/reference/` and the schema beside the recipes; tests compare them with what this makes."""

from manual.reference import FOLDER, RECIPES, pages
from tasks.kinds.recipe_schema import FILE, schema_text

for name, text in pages().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
(RECIPES / FILE).write_text(schema_text(), encoding="utf-8")
