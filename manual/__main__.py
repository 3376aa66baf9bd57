"""Writes `docs/reference/`, `docs/llms.txt` and the schema beside the recipes; tests look that they are not stale."""

from manual.llms import FILE as LLMS
from manual.llms import llms
from manual.reference import FOLDER, RECIPES, pages
from tasks.kinds.recipe_schema import FILE, schema_text

for name, text in pages().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
LLMS.write_text(llms(), encoding="utf-8")
(RECIPES / FILE).write_text(schema_text(), encoding="utf-8")
