import io
import json
from typing import Any

import numpy as np
import pytest

from tasks.runtime.bundle.manifest import TensorInfo
from tasks.runtime.errors import WrongInputError
from tasks.runtime.preprocess.arrays import read_npy, read_samples
from tasks.runtime.preprocess.preprocessor import ArraysOnly

PICTURES = TensorInfo("inputs", "uint8", (None, 1, 2, 2))
FRAMES = TensorInfo("inputs", "float32", (None, None, 3))
VECTORS = TensorInfo("inputs", "float32", (None, 3))
ARRAY = np.arange(8, dtype=np.uint8).reshape(2, 1, 2, 2)


def npy(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(**arrays: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        npy(ARRAY),
        npy(np.asfortranarray(ARRAY)),
        npz(inputs=ARRAY),
        b'{"inputs": [[[[0, 1], [2, 3]]], [[[4, 5], [6, 7.0]]]]}',
        b" [[[[0, 1], [2, 3]]], [[[4, 5], [6, 7]]]]",
        b"0,1,2,3\n4,5,6,7\n",
    ],
)
def test_samples_are_the_same_in_whatever_form_they_come(content: bytes) -> None:
    samples = read_samples(content, PICTURES, ArraysOnly()).arrays
    assert samples["inputs"].dtype == np.uint8
    np.testing.assert_array_equal(samples["inputs"], ARRAY)
    assert "lengths" not in samples


def test_lengths_come_along_with_sequences() -> None:
    frames, lengths = np.ones((2, 4, 3), np.float32), np.array([4, 2])
    text = json.dumps({"inputs": frames.tolist(), "lengths": [4, 2]}).encode()
    for content in (npz(inputs=frames, lengths=lengths), text):
        samples = read_samples(content, FRAMES, ArraysOnly()).arrays
        np.testing.assert_array_equal(samples["inputs"], frames)
        assert samples["lengths"].dtype == np.int64
        assert samples["lengths"].tolist() == [4, 2]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"inputs": [[[[0, 1], [2, 256]]]]}', "`inputs`: expected numbers that uint8 can hold"),
        (b'{"inputs": [[[[0, 1], [2, 0.5]]]]}', "expected numbers that uint8 can hold"),
        (b'{"inputs": [[[[0, 1], [2]]]]}', "expected lists of equal lengths"),
        (b'{"inputs": [["a"]]}', "expected lists of numbers"),
        (b'{"inputs": [[true]]}', "expected lists of numbers"),
        (b'{"inputs": [[NaN]]}', "expected JSON, got the number NaN"),
        (b'{"inputs": [1], "inputs": [2]}', "a doubled key"),
        (b'{"input": [1]}', "expected an object with `inputs` and perhaps `lengths`"),
        (b'{"inputs": [1], "lengths": [1.5]}', "`lengths`: expected numbers that int64 can hold"),
        (b"[" * 100_000, "expected JSON"),
        (b"1,2,3\n", r"expected rows of shape \(1, 2, 2\) laid flat, got 3 columns"),
        (b"a,b,c,d\n", "expected .npy, .npz, JSON, or CSV with numbers only"),
        (b"\xff\xfe\x00", "expected .npy, .npz, JSON, or CSV"),
        (npz(samples=ARRAY), r"expected an \.npz with `inputs`"),
        (b"PK\x03\x04 no zip", r"expected an \.npz with `inputs`"),
    ],
)
def test_what_are_no_samples_is_refused_with_what_is_expected(content: bytes, expected: str) -> None:
    with pytest.raises(WrongInputError, match=expected):
        read_samples(content, PICTURES, ArraysOnly())


def test_floats_stay_finite() -> None:
    with pytest.raises(WrongInputError, match="float32 can hold"):
        read_samples(b"[[1, 2, 1e39]]", VECTORS, ArraysOnly())


def test_npy_may_not_promise_more_than_it_holds_nor_hold_objects() -> None:
    whole = npy(ARRAY)
    for cut in range(len(whole)):
        with pytest.raises(WrongInputError, match=r"expected a whole \.npy"):
            read_npy(whole[:cut])
    with pytest.raises(WrongInputError, match=r"expected a whole \.npy"):
        read_npy(whole.replace(b"(2, 1, 2, 2)", b"(2**9,9,9,9)"))
    with pytest.raises(WrongInputError, match=r"expected a whole \.npy"):
        read_npy(whole.replace(b"(2, 1, 2, 2)", b"(9**9, 9**9)"[:12]))
    with pytest.raises(WrongInputError, match=r"expected a whole \.npy"):
        read_npy(npy(np.array([{}], dtype=object)))
    assert read_npy(npy(np.empty((0, 3), np.float32))).shape == (0, 3)
