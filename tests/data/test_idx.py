import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError, RecipeError

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
ROOT = Path(__file__).parents[2]
OFFICIAL = {"kind": "official", "validation": 0.25, "seed": 0}
READER: dict[str, Any] = {
    "kind": "idx",
    "train": {"images": "train-images", "labels": "train-labels"},
    "test": {"images": "test-images.gz", "labels": "test-labels"},
    "classes": ["shoe", "bag"],
}


def _idx(values: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return header + values.astype(np.uint8).tobytes()


@pytest.fixture
def clothes(tmp_path: Path) -> Path:
    """Twelve pictures of 3 x 2 pixels to train on and six to test, of two classes."""
    folder = tmp_path / "clothes"
    folder.mkdir()
    for part, count in (("train", 12), ("test", 6)):
        images = np.arange(count * 6).reshape(count, 3, 2) + (100 if part == "test" else 0)
        packed = gzip.compress(_idx(images)) if part == "test" else _idx(images)
        (folder / f"{part}-images{'.gz' if part == 'test' else ''}").write_bytes(packed)
        (folder / f"{part}-labels").write_bytes(_idx(np.arange(count) % 2))
    return folder


def _recipe(make: MakeRecipe, folder: Path, **reader: Any) -> Recipe:
    return make({"kind": "folder", "path": str(folder)}, {**READER, **reader}, split=OFFICIAL)


def test_idx_files_become_images_in_the_published_split(
    clothes: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    card, folder = prepared(_recipe(make_recipe, clothes))
    assert (card.input.layout, card.input.dtype, card.input.shape) == ("image", "uint8", (1, 3, 2))
    assert {name: part.samples for name, part in card.splits.items()} == {"train": 8, "validation": 4, "test": 6}
    assert np.load(folder / "test-00000.inputs.npy")[2].tolist() == [[[112, 113], [114, 115], [116, 117]]]
    assert pd.read_parquet(folder / "test.parquet")["id"].tolist() == [f"test {row:08d}" for row in range(6)]


def test_classes_keep_the_order_of_their_numbers(clothes: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    card, folder = prepared(_recipe(make_recipe, clothes))
    assert card.targets.names == ("shoe", "bag")
    assert np.load(folder / "test-00000.targets.label.npy").tolist() == [0, 1, 0, 1, 0, 1]


def test_all_files_that_cannot_be_read_are_told_at_once(
    clothes: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    cut = (clothes / "train-images").read_bytes()[:-5]
    (clothes / "train-images").write_bytes(cut)
    (clothes / "train-labels").write_bytes(b"label\n0\n1\n")
    (clothes / "test-images.gz").write_bytes((clothes / "test-images.gz").read_bytes()[:-12])
    (clothes / "test-labels").unlink()
    with pytest.raises(DataError) as told:
        prepared(_recipe(make_recipe, clothes))
    first, second, third, fourth = str(told.value).splitlines()
    assert first.startswith("`train-images`: expected 72 bytes after the header, got 67: it breaks off")
    assert (
        "`train-labels`: expected an IDX file of bytes with 1 axes, got a file that begins with 6c 61 62 65" in second
    )
    assert third.startswith("`test-images.gz`: expected an IDX file")
    assert fourth.startswith("`data.reader`: `test.labels`: expected one of")


@pytest.mark.parametrize("content", [b"", b"\0\0\x08", b"\0\0\x08\x03\0\0", b"\0\0\x0d\x03" + b"\0" * 12])
def test_a_header_that_is_none_is_refused(
    content: bytes, clothes: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    (clothes / "train-images").write_bytes(content)
    with pytest.raises(DataError, match="`train-images`: expected an IDX file of bytes with 3 axes, got a"):
        prepared(_recipe(make_recipe, clothes))


def test_bytes_too_many_are_refused(clothes: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    (clothes / "train-labels").write_bytes((clothes / "train-labels").read_bytes() + b"x")
    with pytest.raises(DataError, match="`train-labels`: expected 12 bytes after the header, got 13;"):
        prepared(_recipe(make_recipe, clothes))


def test_files_that_do_not_go_together_are_refused(clothes: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    (clothes / "train-labels").write_bytes(_idx(np.arange(11) % 2))
    with pytest.raises(DataError, match=r"`train-labels`: expected a label for each of the 12 images .*, got 11"):
        prepared(_recipe(make_recipe, clothes))
    (clothes / "train-labels").write_bytes(_idx(np.arange(12) % 2))
    (clothes / "test-images.gz").write_bytes(gzip.compress(_idx(np.zeros((6, 2, 3)))))
    with pytest.raises(DataError, match=r"`test-images.gz`: expected images of \(3, 2\) pixels .*, got \(2, 3\)"):
        prepared(_recipe(make_recipe, clothes))


def test_labels_without_a_name_are_named(clothes: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    (clothes / "test-labels").write_bytes(_idx(np.array([0, 1, 2, 0, 1, 9])))
    with pytest.raises(DataError) as told:
        prepared(_recipe(make_recipe, clothes))
    assert "`test 00000002`: expected a label among " in str(told.value)
    assert ", got `number 2`" in str(told.value)
    assert ", got `number 9`" in str(told.value)


def test_a_class_without_samples_is_named(clothes: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    with pytest.raises(DataError, match="`samples of hat`: expected at least 2 in the published train set, got none"):
        prepared(_recipe(make_recipe, clothes, classes=["shoe", "bag", "hat"]))


def test_idx_files_have_a_published_split(clothes: Path, make_recipe: MakeRecipe) -> None:
    with pytest.raises(RecipeError, match=r"`split.kind: stratified` does not go with `reader.kind: idx`"):
        make_recipe({"kind": "folder", "path": str(clothes)}, READER)


def test_fashion_keeps_its_published_test_set_whole(
    fashion_files: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    section = yaml.safe_load((ROOT / "params/fashion.yaml").read_text())["data"]
    section["source"]["folders"] = [str(fashion_files)]
    card, folder = prepared(make_recipe(**section))
    assert {name: part.summary for name, part in card.splits.items()} == {
        name: {"label": dict.fromkeys(card.targets.names, count)}
        for name, count in (("train", 5000), ("validation", 1000), ("test", 1000))
    }
    assert card.targets.names[np.load(folder / "test-00000.targets.label.npy")[0]] == "Ankle boot"
