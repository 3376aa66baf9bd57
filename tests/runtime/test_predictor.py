from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.runtime.bundle.bundle import Facts, golden_of, write_bundle
from tasks.runtime.bundle.manifest import Defer
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.bundle.session import Session
from tasks.runtime.bundle.verify import read_verified
from tasks.runtime.errors import ManifestError, ModelError, WrongInputError
from tasks.runtime.preprocess.preprocessor import ModelInputs
from tasks.runtime.update.receipts import Receipt
from tests.runtime.conftest import FACTS, linear_model
from tests.runtime.devices import PICTURE

MakePredictor = Callable[..., Predictor]


@pytest.fixture
def make_predictor(tmp_path: Path) -> MakePredictor:
    def make(**changes: object) -> Predictor:
        facts = Facts(**{**vars(FACTS), **changes})
        golden = golden_of(Session(linear_model()), {"inputs": PICTURE})
        write_bundle(tmp_path / "made", facts, linear_model(), golden)
        contents = read_verified(tmp_path / "made")
        return Predictor(contents, Receipt(contents.release, 7, None, ""))

    return make


def test_prediction_names_the_likeliest_class_and_the_probability_of_each(make_predictor: MakePredictor) -> None:
    predictor = make_predictor()
    pictures = np.zeros((2, 1, 2, 2), np.uint8)
    pictures[1, 0, 0, 0] = 1  # logits 0, 1, 2
    even, certain = predictor.predict({"inputs": pictures})
    assert even["probabilities"] == pytest.approx({"ash": 1 / 3, "birch": 1 / 3, "cédre": 1 / 3})
    powers = np.exp([0, 1, 2])
    assert list(certain["probabilities"].values()) == pytest.approx(powers / powers.sum())
    assert (certain["label"], certain["confidence"]) == ("cédre", certain["probabilities"]["cédre"])
    assert "heads" not in certain


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, [True, False]), (0.0, [False, False]), (None, [True, True])])
def test_answers_below_the_threshold_are_to_be_left_to_somebody_else(
    make_predictor: MakePredictor, threshold: float | None, expected: list[bool]
) -> None:
    predictor = make_predictor(defer=Defer("accuracy", 0.99, threshold))
    pictures = np.zeros((2, 1, 2, 2), np.uint8)
    pictures[1, 0, 0, 0] = 1  # confidence 1/3 and 0.67
    assert [answer["defer"] for answer in predictor.answer(ModelInputs({"inputs": pictures}))] == expected
    assert "defer" not in predictor.predict({"inputs": pictures})[0]


def test_card_that_does_not_go_with_the_outputs_is_refused(make_predictor: MakePredictor) -> None:
    with pytest.raises(ManifestError, match="`targets`: expected one logit of `logits` for each of 2 classes, got 3"):
        make_predictor(targets={"names": ["ash", "birch"], "facts": {}})


def test_card_of_another_form_is_refused(make_predictor: MakePredictor) -> None:
    with pytest.raises(ManifestError, match="`targets`: expected a target card of classification"):
        make_predictor(targets={"names": ["a", "b", "c"], "facts": {"heads": 3}})


@pytest.mark.parametrize("task", ["forecasting", "../classification", "Classification", "contract"])
def test_kind_without_a_decoder_asks_to_update_the_runtime(make_predictor: MakePredictor, task: str) -> None:
    with pytest.raises(ManifestError, match=r"`task`: expected a kind .* got .*; update the runtime"):
        make_predictor(task=task)


def test_wrong_array_is_refused(make_predictor: MakePredictor) -> None:
    with pytest.raises(WrongInputError, match="expected uint8, got float32"):
        make_predictor().predict({"inputs": PICTURE.astype(np.float32)})


def test_outputs_that_are_no_numbers_are_a_fault_of_the_model(
    make_predictor: MakePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = make_predictor()
    monkeypatch.setattr(predictor.session, "predict", lambda _inputs: {"logits": np.array([[0.0, np.nan, 1.0]])})
    with pytest.raises(ModelError, match=r"`model\.onnx`: expected finite logits, .*; check the sample, or roll back"):
        predictor.predict({"inputs": PICTURE})
