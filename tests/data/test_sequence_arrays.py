"""Sequences in numpy files: what is wrong is said by the name of the array, and nothing is unpickled."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError, RecipeError
from tasks.runtime.errors import WrongInputError
from tasks.runtime.preprocess import sequence_arrays
from tests.data.sequence_files import (
    ARRAYS,
    LONG,
    WIDE,
    arrays,
    everything,
    made,
    npz,
    on_device,
)

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]


class Code:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("it was unpickled",))


GOOD = arrays(made())
BAD_ARRAYS: list[tuple[dict[str, Any], str]] = [
    ({"X": np.zeros(18)}, "`X`: expected an array (n, frames, features), or (n, frames), got one of shape (18,)"),
    ({"X": np.zeros((18, 5, 2), complex)}, "`X`: expected an array of numbers, got complex128"),
    ({"X": np.array([Code()] * 18, dtype=object)}, "`X`: expected numbers or texts, got objects"),
    ({"y": np.array([Code()] * 18, dtype=object)}, "`y`: expected numbers or texts, got objects"),
    ({"y": np.zeros(17)}, "`y`: expected 18 labels, one for each sequence in `X`, got an array of shape (17,)"),
    ({"n": np.ones(17)}, "`n`: expected 18 lengths, got an array of shape (17,)"),
    ({"n": np.full(18, 1.5)}, "`n`: expected whole numbers"),
    ({"n": np.array([0, *GOOD["n"][1:]])}, "`X[0000000]`: expected a length of 1 to 5, got 0"),
    ({"n": np.array([6, *GOOD["n"][1:]])}, "`X[0000000]`: expected a length of 1 to 5, got 6"),
    ({"X": np.full((18, 5, 2), np.inf)}, "expected finite numbers, got"),
    ({"X": np.full((18, 5, 2), 1e39)}, "expected finite numbers, got"),
]


@pytest.mark.parametrize(("change", "said"), BAD_ARRAYS)
def test_arrays_that_cannot_be_used_are_said_by_name_and_nothing_is_unpickled(
    change: dict[str, Any], said: str, tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    recipe = make_recipe(npz(tmp_path / "walks.npz", **(GOOD | change)), ARRAYS)
    with pytest.raises(DataError) as told:
        prepared(recipe)
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected an .npz or .npy"),
        (b"PK\x03\x04 no archive", "expected an .npz or .npy"),
        (pickle.dumps(Code()), "expected an .npz or .npy"),
    ],
)
def test_files_that_are_no_archive_are_refused(
    content: bytes, said: str, tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    (tmp_path / "walks.npz").write_bytes(content)
    with pytest.raises(DataError) as told:
        prepared(make_recipe({"kind": "file", "path": str(tmp_path / "walks.npz")}, ARRAYS))
    assert said in str(told.value)


def test_arrays_may_lie_in_files_of_their_own(tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    folder = tmp_path / "walks"
    folder.mkdir()
    for name, values in GOOD.items():
        np.save(folder / f"{name}.npy", values)
    npz(folder / "more.npz", **GOOD)
    source = {"kind": "folder", "path": str(folder)}
    files = {"kind": "sequence_arrays", "arrays": {"inputs": "X.npy", "labels": "y.npy", "lengths": "n.npy"}}
    card, first = prepared(make_recipe(source, files))
    within = {"inputs": "more.npz:X", "labels": "more.npz:y", "lengths": "more.npz:n"}
    _, second = prepared(make_recipe(source, {"kind": "sequence_arrays", "arrays": within}, name="other"))
    assert sorted(v.tobytes() for v in everything(first).values()) == sorted(
        v.tobytes() for v in everything(second).values()
    )
    alone = on_device(card).from_file((folder / "X.npy").read_bytes()).arrays
    assert alone["inputs"].shape == (18, 5, 2)
    assert set(alone["lengths"].tolist()) == {5}


def test_sequences_behind_each_other_are_told_by_their_lengths(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    behind = np.concatenate([frames[:length] for frames, length in zip(GOOD["X"], GOOD["n"], strict=True)])
    _, padded = prepared(make_recipe(npz(tmp_path / "padded.npz", **GOOD), ARRAYS, name="padded"))
    card, joined = prepared(make_recipe(npz(tmp_path / "joined.npz", **(GOOD | {"X": behind})), ARRAYS, name="joined"))
    assert everything(joined).keys() == everything(padded).keys()
    assert all((everything(padded)[name] == values).all() for name, values in everything(joined).items())
    found = on_device(card).from_file((tmp_path / "joined.npz").read_bytes()).arrays
    assert found["lengths"].tolist() == GOOD["n"].tolist()
    wrong = npz(tmp_path / "wrong.npz", **(GOOD | {"X": behind[1:]}))
    with pytest.raises(DataError, match=r"`n`: expected \d+ lengths, got an array of shape \(18,\)"):
        prepared(make_recipe(wrong, ARRAYS, name="wrong"))


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        ({"kind": "sequence_arrays"}, "give `arrays`, or `train` and `test`"),
        (
            ARRAYS | {"train": dict(ARRAYS["arrays"]), "test": dict(ARRAYS["arrays"])},
            "give `arrays`, or `train` and `test`",
        ),
        (ARRAYS | {"validation": dict(ARRAYS["arrays"])}, "`validation` goes with `train` and `test`"),
        (WIDE | {"shape": [3]}, "`shape` needs two numbers"),
        (LONG | {"split": "part"}, "does not go with"),
    ],
)
def test_contradictions_in_a_recipe_are_told(reader: dict[str, Any], said: str, make_recipe: MakeRecipe) -> None:
    with pytest.raises(RecipeError, match=said):
        make_recipe({"kind": "file", "path": "/nowhere"}, reader)


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_archives_are_read_or_refused_and_nothing_else(compressed: bool) -> None:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **cast(Any, GOOD))
    content, random = stream.getvalue(), np.random.default_rng(5)
    device = sequence_arrays.SequenceArraysPreprocessor(2, ("X",), ("n",))
    outcomes = set()
    for _ in range(300):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 3):
            damaged[place] = random.integers(256)
        try:
            device.from_file(bytes(damaged[: int(random.integers(len(content) // 2, len(content) + 200))]))
            outcomes.add("read")
        except WrongInputError as error:
            outcomes.add("refused")
            assert "expected" in str(error)  # noqa: PT017 - what else it may be is what is looked at
    assert "refused" in outcomes
