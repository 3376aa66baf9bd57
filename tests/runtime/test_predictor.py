from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.runtime.bundle.bundle import Facts, golden_of, write_bundle
from tasks.runtime.bundle.manifest import Head
from tasks.runtime.bundle.predictor import Predictor, softmax
from tasks.runtime.bundle.session import Session
from tasks.runtime.bundle.verify import read_verified
from tasks.runtime.errors import ManifestError, ModelError, WrongInputError
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
    assert even.probabilities == pytest.approx({"ash": 1 / 3, "birch": 1 / 3, "cédre": 1 / 3})
    powers = np.exp([0, 1, 2])
    assert list(certain.probabilities.values()) == pytest.approx(powers / powers.sum())
    assert (certain.label, certain.confidence) == ("cédre", certain.probabilities["cédre"])
    assert "heads" not in certain.to_json()


def test_each_head_answers_with_the_logits_behind_those_of_the_heads_before(make_predictor: MakePredictor) -> None:
    predictor = make_predictor(classes=("ash", "birch"), heads=(Head("cell", ("mono",)),))
    said = predictor.predict({"inputs": PICTURE})[0].to_json()
    assert (said["label"], said["heads"]["cell"]["label"]) == ("birch", "mono")
    assert said["heads"]["cell"]["probabilities"] == {"mono": 1.0}


def test_logits_that_no_class_belongs_to_are_refused(make_predictor: MakePredictor) -> None:
    with pytest.raises(ManifestError, match=r"`classes`: expected one per logit \(3,\), got 2"):
        make_predictor(classes=("ash", "birch"))


def test_task_that_is_not_known_asks_to_update_the_runtime(make_predictor: MakePredictor) -> None:
    with pytest.raises(ManifestError, match=r"`task`: expected .* got detection; update the runtime"):
        make_predictor(task="detection")


def test_wrong_array_is_refused(make_predictor: MakePredictor) -> None:
    with pytest.raises(WrongInputError, match="expected uint8, got float32"):
        make_predictor().predict({"inputs": PICTURE.astype(np.float32)})


def test_softmax_of_huge_logits_is_finite_and_of_no_numbers_is_refused() -> None:
    assert softmax([1e38, 0.0, -1e38]) == [1, 0, 0]
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ModelError, match="expected finite logits"):
            softmax([0.0, wrong, 1.0])
        with pytest.raises(ModelError, match="expected finite logits"):
            softmax([wrong, 0.0])
