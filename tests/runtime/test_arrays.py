import io
import json
import tracemalloc
from typing import Any

import numpy as np
import pytest

from tasks.runtime.bundle.manifest import TensorInfo
from tasks.runtime.errors import WrongInputError
from tasks.runtime.preprocess.arrays import SampleLimits, read_npy, read_samples
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
        (b'{"inputs": [[[[0, 1], [2, true]]]]}', "expected lists of numbers"),
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


def hostile_npy(header: str) -> bytes:
    text = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + b"\0" * 64


HEADERS = [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999, 0)}",
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '|V0', 'fortran_order': False, 'shape': (99,)}",
    "{'descr': '|S4', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
    "{'descr': 'wrong', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False}",
    "__import__('os').system('true')",
    "(" * 9000,
    "-" * 9000 + "1",
    "{'descr': 1L, 'fortran_order': ",
    "\xff\xfe",
]


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
@pytest.mark.filterwarnings("ignore")
def test_a_hostile_header_is_refused(header: str) -> None:
    with pytest.raises(WrongInputError, match=r"expected a whole \.npy of numbers"):
        read_npy(hostile_npy(header))


def hostile_archives() -> dict[str, bytes]:
    whole = npz(inputs=ARRAY)
    with io.BytesIO() as stream:
        np.savez_compressed(stream, inputs=np.zeros((1000, 1, 2, 2), np.uint8))
        packed = stream.getvalue()
    start = packed.index(b"inputs.npy") + 40
    flags = whole.index(b"PK\x01\x02") + 8
    return {
        "corrupt member": whole.replace(ARRAY.tobytes(), ARRAY.tobytes()[::-1]),
        "corrupt compression": packed[:start] + b"\xff" * 9 + packed[start + 9 :],
        "encrypted": whole[:6] + b"\x01" + whole[7:flags] + b"\x01" + whole[flags + 1 :],
        "unknown compression": whole.replace(b"\0\0\0\0\0\0\x21\0", b"\0\0\x63\0\0\0\x21\0"),
        "cut": packed[: len(packed) // 2],
        "another member": npz(outputs=ARRAY),
        "objects": npz(lengths=ARRAY),
    }


@pytest.mark.parametrize("name", hostile_archives())
def test_a_hostile_archive_is_refused(name: str) -> None:
    with pytest.raises(WrongInputError, match=r"expected an \.npz with `inputs`"):
        read_samples(hostile_archives()[name], PICTURES, ArraysOnly())


def test_an_archive_is_not_unpacked_beyond_its_limit() -> None:
    with io.BytesIO() as stream:
        np.savez_compressed(stream, inputs=np.zeros((2**24, 1, 2, 2), np.uint8))
        bomb = stream.getvalue()
    tracemalloc.start()
    with pytest.raises(WrongInputError, match="expected at most 1000 bytes, got more"):
        read_samples(bomb, PICTURES, ArraysOnly(), SampleLimits(unpacked=1000))
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_more_samples_than_the_limit_are_refused() -> None:
    for content in (npy(ARRAY), npz(inputs=ARRAY), b"0,1,2,3\n4,5,6,7\n", json.dumps(ARRAY.tolist()).encode()):
        with pytest.raises(WrongInputError, match="expected at most 1 samples, got 2"):
            read_samples(content, PICTURES, ArraysOnly(), SampleLimits(samples=1))


def test_an_empty_file_and_one_with_a_byte_order_mark() -> None:
    with pytest.raises(WrongInputError, match="got an empty file"):
        read_samples(b"", PICTURES, ArraysOnly())
    samples = read_samples(b"\xef\xbb\xbf0,1,2,3\n", PICTURES, ArraysOnly())
    assert samples.arrays["inputs"].ravel().tolist() == [0, 1, 2, 3]


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
