"""What every reader keeps: the same samples in the same order each time, names that sort so, and nothing dropped."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from params.section import ReaderSection
from tasks.core.errors import DataError
from tasks.data.readers.samples import Reading

FILES = Path(__file__).parent / "files" / "tasks" / "data" / "readers"
Read = Callable[[ReaderSection, Path], Reading]


class JsonLinesReader(ReaderSection):
    layout = "vector"
    kind: Literal["json_lines"]
    file: str


LINES = '{"values": [1, 2], "label": "good"}\n{"values": [3, 4], "label": "bad"}\n{"values": "x"}\n'


@pytest.fixture
def read() -> Read:
    """That of the example."""
    found: Read = runpy.run_path(str(FILES / "json_lines.py"))["read"]
    return found


def test_the_example_keeps_the_contract(read: Read, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(LINES)
    reading = read(JsonLinesReader(kind="json_lines", file="rows.jsonl"), tmp_path)
    first, second = [*reading.samples()], [*reading.samples()]
    assert [one.id for one in first] == [one.id for one in second] == sorted({one.id for one in first})
    assert len(first) == LINES.count("\n")
    assert all(one.problem or (one.target and one.values.size) for one in first)
    assert [bool(one.problem) for one in first] == [False, False, True]
    assert [one.values.tolist() for one in first[:2]] == [[1.0, 2.0], [3.0, 4.0]]


def test_a_file_that_is_missing_is_named(read: Read, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows\.jsonl"):
        read(JsonLinesReader(kind="json_lines", file="rows.jsonl"), tmp_path)
