import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.runtime.bundle.latency import measure
from tasks.runtime.bundle.session import Session
from tasks.runtime.errors import ModelError, TamperedError, WrongInputError

MakeModel = Callable[..., bytes]


def test_logits_are_those_of_the_matrix(make_model: MakeModel) -> None:
    pictures = np.array([[[[1, 2], [3, 4]]]], np.uint8)
    expected = np.array([[1, 2, 3, 4]]) @ np.arange(12).reshape(4, 3)
    np.testing.assert_array_equal(Session(make_model()).predict({"inputs": pictures})["logits"], expected)


def test_lengths_are_full_when_left_out(make_model: MakeModel) -> None:
    session = Session(make_model(sequence=True))
    frames = np.ones((2, 5, 4), np.float32)
    given = ({"inputs": frames}, {"inputs": frames, "lengths": np.array([5, 2])})
    whole, half = (session.predict(inputs)["logits"] for inputs in given)
    np.testing.assert_allclose(whole[0], half[0])
    np.testing.assert_allclose(half[1], whole[1] * 2.5)


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [
        ((1, 1, 2, 2), np.float32, "expected uint8, got float32"),
        ((1, 2, 2), np.uint8, r"expected shape \('any', 1, 2, 2\), got \(1, 2, 2\)"),
        ((1, 1, 2, 3), np.uint8, r"got \(1, 1, 2, 3\)"),
        ((0, 1, 2, 2), np.uint8, r"got \(0, 1, 2, 2\)"),
    ],
)
def test_wrong_input_is_refused(make_model: MakeModel, shape: tuple[int, ...], dtype: type, expected: str) -> None:
    with pytest.raises(WrongInputError, match=expected):
        Session(make_model()).predict({"inputs": np.zeros(shape, dtype)})


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        (np.array([1, 2], np.int32), "expected int64"),
        (np.array([1]), r"of shape \(2,\)"),
        (np.array([0, 5]), "expected 1 to 5, got 0 to 5"),
        (np.array([1, 6]), "got 1 to 6"),
    ],
)
def test_wrong_lengths_are_refused(make_model: MakeModel, lengths: np.ndarray, expected: str) -> None:
    with pytest.raises(WrongInputError, match=expected):
        Session(make_model(sequence=True)).predict({"inputs": np.ones((2, 5, 4), np.float32), "lengths": lengths})


def test_file_with_other_bytes_is_not_loaded(tmp_path: Path, make_model: MakeModel) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(make_model())
    digest = hashlib.sha256(make_model()).hexdigest()
    assert Session.from_file(path, digest).inputs["inputs"].shape == (None, 1, 2, 2)
    path.write_bytes(make_model(sequence=True))
    with pytest.raises(TamperedError, match=f"expected sha256 {digest}"):
        Session.from_file(path, digest)
    with pytest.raises(TamperedError, match="expected a regular file"):
        Session.from_file(tmp_path / "none.onnx", digest)


def test_bundle_is_loaded_with_the_threads_of_its_target(bundle: Path) -> None:
    outputs = Session.from_bundle(bundle).predict({"inputs": np.zeros((3, 1, 2, 2), np.uint8)})
    assert outputs["logits"].shape == (3, 3)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x0a" * 20])
def test_bytes_that_are_no_model_are_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="expected ONNX that onnxruntime"):
        Session(content)


def test_latency_is_measured_for_every_model_and_every_round(make_model: MakeModel) -> None:
    sessions = {"a": Session(make_model()), "b": Session(make_model())}
    times = measure(sessions, {"inputs": np.zeros((1, 1, 2, 2), np.uint8)}, warmup=2, repeats=20)
    assert {name: len(values) for name, values in times.items()} == {"a": 20, "b": 20}
    assert all((values > 0).all() and (values < 1000).all() for values in times.values())
