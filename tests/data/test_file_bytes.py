"""Files as bytes: what of them is a sample, which are left out, and that a device reads them alike."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from params.pipeline import Recipe
from tasks.core.errors import DataError, RecipeError
from tasks.runtime.bundle.manifest import TensorInfo
from tasks.runtime.errors import WrongInputError
from tasks.runtime.preprocess.arrays import read_samples
from tasks.runtime.preprocess.file_bytes import ByteFormat, FileBytesPreprocessor
from tasks.training.arrays import open_split

MakeRecipe = Callable[..., Recipe]
READER: dict[str, Any] = {"kind": "file_bytes", "first": 12, "last": 6, "types": {"python": ["py"], "text": ["txt"]}}


def _taken(content: bytes, first: int = 12, last: int = 6) -> list[int]:
    return [int(value) for value in ByteFormat(first, last).values(io.BytesIO(content))]


def test_both_ends_of_a_file_are_a_sample_without_the_white_space_around_them() -> None:
    middle = b"abcdefghijkl" + b"-" * 5000 + b"uvwxyz"
    assert _taken(b"\n\t " + middle + b" \r\n") == [*b"abcdefghijkl", *b"uvwxyz"]


def test_what_a_short_file_lacks_is_a_number_that_is_no_byte() -> None:
    assert _taken(b" ab\xff ") == [*b"ab\xff ", *[256] * 8, *[256] * 2, *b" ab\xff"]
    assert _taken(b"") == [256] * 18
    assert _taken(b"abc", last=0) == [*b"abc", *[256] * 9]


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """Twenty files of two types, and others."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.py").write_text(f"import number_{number}\n")
        (folder / f"{number}.TXT").write_text(f"This is text number {number}.\n")
    (folder / "picture.png").write_bytes(bytes(range(200)))
    (folder / "without_suffix").write_text("nothing tells its type")
    (folder / "short.py").write_text("   x=1   \n")
    return folder


def test_files_get_the_label_of_their_suffix_and_what_is_left_out_is_counted(
    make_recipe: MakeRecipe, prepared: Any, scripts: Path
) -> None:
    recipe = make_recipe({"kind": "folder", "path": str(scripts)}, {**READER, "at_most": 15})
    card, folder = prepared(recipe)
    assert card.targets.names == ("python", "text")
    assert sum(split.samples for split in card.splits.values()) == 30
    left_out = {"of another type, by its name": 2, "shorter than 8 bytes": 1, "beyond `at_most` of its type": 10}
    assert dict(card.dropped) == left_out
    ids = pd.read_parquet(folder / "test.parquet").id
    inputs = open_split(folder, "test").gather(np.arange(len(ids))).inputs["inputs"]
    device = FileBytesPreprocessor(ByteFormat(12, 6))
    for one, values in zip(ids, inputs, strict=True):
        found = device.from_file((scripts / one).read_bytes()).arrays["inputs"]
        assert np.array_equal(found, values[np.newaxis])
    with pytest.raises(WrongInputError, match="expected a file of at least 8 bytes"):
        device.from_file((scripts / "short.py").read_bytes())


def test_a_type_without_files_and_a_suffix_of_two_types_are_refused(
    make_recipe: MakeRecipe, prepared: Any, scripts: Path
) -> None:
    source = {"kind": "folder", "path": str(scripts)}
    recipe = make_recipe(source, {**READER, "types": {"python": ["py"], "rust": ["rs"], "go": ["go"]}})
    with pytest.raises(DataError, match="`types`: expected files of each, got none of go, rust"):
        prepared(recipe)
    with pytest.raises(RecipeError, match="`types` has `py` twice"):
        make_recipe(source, {**READER, "types": {"python": ["py"], "text": ["txt", "py"]}})


@pytest.mark.parametrize(
    "content", [b'{"a": [1, 2]}', b"[[1, 2, 3, 4]]", b"x,y\n1,2\n3,4\n", b"\x93NUMPY\x01\x00 and so on"]
)
def test_a_file_is_a_sample_even_where_it_holds_numbers(content: bytes) -> None:
    device, takes = FileBytesPreprocessor(ByteFormat(12, 6)), TensorInfo("inputs", "float32", (None, 18))
    found = read_samples(content, takes, device).arrays["inputs"]
    assert [int(value) for value in found[0]] == _taken(content)
    request = json.dumps({"records": [{"file": base64.b64encode(content).decode()}]}).encode()
    assert np.array_equal(read_samples(request, takes, device).arrays["inputs"], found)
