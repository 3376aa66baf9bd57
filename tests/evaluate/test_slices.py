from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.evaluate.slices import sample_ids, slices_of
from tasks.training.arrays import read_card


@pytest.fixture
def table(tiny_images: Path) -> Any:
    """Adds columns to the table of the test split and returns its folder."""

    def write(**columns: Any) -> Path:
        path = tiny_images / read_card(tiny_images).splits["test"].table.name
        old = pq.read_table(path)
        pq.write_table(pa.table({name: old.column(name) for name in old.column_names} | columns), path)
        return tiny_images

    return write


def test_data_without_further_columns_has_no_slices(tiny_images: Path) -> None:
    assert slices_of(tiny_images, read_card(tiny_images), "test") == ()


def test_every_value_of_every_kept_column_is_a_slice(table: Any) -> None:
    cell = np.where(np.arange(90) % 3 == 0, "mono", "poly")
    sure = np.repeat([1 / 3, 1.0], 45)
    folder = table(cell=pa.array(cell), probability=sure)
    found = {(piece.column, piece.value): piece.rows for piece in slices_of(folder, read_card(folder), "test")}
    assert list(found) == [("cell", "mono"), ("cell", "poly"), ("probability", "0.3333"), ("probability", "1")]
    np.testing.assert_array_equal(found["cell", "mono"], cell == "mono")
    np.testing.assert_array_equal(found["probability", "1"], sure == 1)


def test_numbers_of_many_values_are_cut_at_their_quartiles_and_nobody_is_lost(table: Any) -> None:
    values = np.random.default_rng(0).permutation(90).astype(float)
    folder = table(brightness=values)
    pieces = slices_of(folder, read_card(folder), "test")
    assert [piece.value for piece in pieces] == ["0 to 22.25", "22.25 to 44.5", "44.5 to 66.75", "66.75 to 89"]
    np.testing.assert_array_equal(np.sum([piece.rows for piece in pieces], axis=0), np.ones(90))
    np.testing.assert_array_equal(pieces[0].rows, values <= 22.25)


def test_of_many_names_the_rare_ones_are_one_slice(table: Any) -> None:
    names = np.array([f"module {place}" for place in np.minimum(np.arange(90) // 4, 20)])
    folder = table(module=pa.array(names))
    pieces = slices_of(folder, read_card(folder), "test")
    assert len(pieces) == 12
    assert pieces[0].value == "module 20"
    assert pieces[-1].value == "other"
    np.testing.assert_array_equal(np.sum([piece.rows for piece in pieces], axis=0), np.ones(90))


def test_samples_have_the_names_of_the_table(tiny_images: Path) -> None:
    card = read_card(tiny_images)
    every = pq.read_table(tiny_images / card.splits["test"].table.name).column("id").to_pylist()
    assert sample_ids(tiny_images, card, "test", np.array([5, 2])) == [str(every[5]), str(every[2])]
