import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from params.pipeline import Recipe
from tasks.core.yaml_reader import read_document

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("place", range(len(BLOCKS)))
def test_the_sections_that_the_readme_shows_are_valid(tmp_path: Path, place: int) -> None:
    path = tmp_path / "shown.yaml"
    path.write_text(BLOCKS[place], encoding="utf-8")
    sections = read_document(path).value
    assert sections
    for name, value in sections.items():
        section: TypeAdapter[object] = TypeAdapter(Recipe.model_fields[name].rebuild_annotation())
        section.validate_python(value)


def test_no_table_of_the_readme_is_empty() -> None:
    assert re.findall(r"<!-- ([\w-]+) -->\s*<!-- /\1 -->", README) == []
