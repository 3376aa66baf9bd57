"""Writes `docs/reference/`; a test compares its pages with what this makes."""

from manual.reference import FOLDER, pages

for name, text in pages().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
