"""What is compared by cosine has length 1, wherever it was trained and by whatever distance."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from params.models import ImportedArchitecture
from tasks.core.errors import DataError
from tasks.distill.teachers.outputs import outputs_of_values, require_width
from tasks.evaluate.model_under_test import export_model
from tasks.kinds.contract import HeadPart, part
from tasks.kinds.embedding.decode import PART as DECODER
from tasks.kinds.embedding.head import PART as HEADS
from tasks.kinds.embedding.names import COSINES, EMBEDDING
from tasks.models.build import build_model, count_parameters
from tasks.runtime.bundle.session import Session
from tasks.training.network import HardLabels, PreparedData
from tests.kinds.embedding.conftest import SEPARABLE, prepared

FACTORY = "tests.kinds.embedding.test_served:euclidean"


class Euclidean(nn.Module):
    """A metric as trained by Euclidean distance: its vectors have any length."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Returns sixteen means of rows of the picture, some of them far away."""
        means: torch.Tensor = values.reshape(-1, 16, 16).mean(dim=2) * 30 + 5
        return means


def euclidean(input: Any, outputs: int) -> nn.Module:  # noqa: A002 - what factories are given
    assert outputs == 16
    return Euclidean()


def nearest(distances: NDArray[np.float32]) -> NDArray[np.int64]:
    np.fill_diagonal(distances, np.inf)
    return np.asarray(distances.argmin(axis=1), dtype=np.int64)


def test_a_metric_trained_by_euclidean_distance_is_served_in_the_order_that_both_agree_on(
    glyphs: PreparedData, tmp_path: Path
) -> None:
    """Raw vectors of other lengths have other neighbours by distance than by cosine; the exported ones have not."""
    network = build_model(ImportedArchitecture(kind="import", factory=FACTORY), glyphs.card.spec).eval()
    pictures = next(glyphs.splits.validation.batches(24)).inputs
    raw = Euclidean()((torch.from_numpy(pictures["inputs"]).float() - network.mean) / network.std).numpy()
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    apart = np.linalg.norm(raw[:, None] - raw[None], axis=2)
    assert (nearest(apart) != nearest(1 - raw / lengths @ (raw / lengths).T)).any()
    export_model(network, tmp_path / "model.onnx", 0)
    served = Session((tmp_path / "model.onnx").read_bytes()).predict(pictures)[EMBEDDING]
    np.testing.assert_allclose(np.linalg.norm(served, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(
        nearest(np.linalg.norm(served[:, None] - served[None], axis=2)), nearest(1 - served @ served.T)
    )


def test_a_file_whose_vectors_are_not_of_length_1_is_refused_where_it_answers() -> None:
    card = {"names": [], "facts": {"width": 2}}
    with pytest.raises(ValueError, match="expected embeddings of length 1, got one of length 5"):
        DECODER.decode({EMBEDDING: np.array([[0.6, 0.8], [3.0, 4.0]])}, card)
    with pytest.raises(ValueError, match="length nan"):
        DECODER.decode({EMBEDDING: np.array([[np.nan, 1.0]])}, card)


def test_an_answer_has_the_first_numbers_or_all() -> None:
    card = {"names": [], "facts": {"width": 16}}
    outputs = {EMBEDDING: np.full((1, 16), 0.25, dtype=np.float32)}
    (few,), (whole,) = DECODER.decode(outputs, card), DECODER.decode(outputs, card, "all")
    assert few == {"embedding": [0.25] * 8, "width": 16}
    assert whole == {"embedding": [0.25] * 16, "width": 16}
    assert set(few) == set(DECODER.schema(card)["properties"])
    assert [*DECODER.problems({EMBEDDING: (None, 16)}, card)] == []
    assert "of 16 numbers, got (8,)" in next(DECODER.problems({EMBEDDING: (None, 8)}, card))
    assert "expected an output `embedding`" in next(DECODER.problems({"logits": (None, 16)}, card))


def test_the_file_has_one_output_and_nothing_that_only_learned(glyphs: PreparedData, tmp_path: Path) -> None:
    from params.models import Separable
    from params.training import Training

    network = build_model(Separable.model_validate(SEPARABLE), glyphs.card.spec)
    loss = HardLabels(glyphs, Training(epochs=1))
    learned = sum(parameter.numel() for parameter in loss.parameters())
    assert learned >= 16 * 10  # a direction for each training identity
    export_model(network.eval(), tmp_path / "model.onnx", 0)
    model = onnx.load(tmp_path / "model.onnx")
    assert [output.name for output in model.graph.output] == [EMBEDDING]
    held = sum(int(np.prod(one.dims)) for one in model.graph.initializer)
    assert held < count_parameters(network) + 100
    assert COSINES not in network({"inputs": torch.zeros(2, 1, 16, 16)})


def test_what_a_teacher_gives_is_of_length_1_and_may_have_another_width(glyphs: PreparedData) -> None:
    spec = glyphs.card.spec
    found = outputs_of_values(torch.randn(3, 40) * 9, "logits", (), spec)[EMBEDDING]
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))
    require_width("teacher.onnx", "", 40, (), spec, some=False)  # not refused


def test_a_teacher_whose_gallery_is_served_must_have_the_students_width(tmp_path: Path) -> None:
    spec = prepared(tmp_path, embedding={"width": 16, "gallery": "teacher"}).card.spec
    require_width("teacher.onnx", "", 16, (), spec, some=False)
    with pytest.raises(DataError, match=r"expected 16 numbers, as the student gives.*got 40; say `data\.embedding\.w"):
        require_width("teacher.onnx", "", 40, (), spec, some=False)


def test_the_numbers_of_an_embedding_have_no_names(glyphs: PreparedData) -> None:
    with pytest.raises(DataError, match=r"`teacher\.classes`: expected nothing"):
        part("embedding", "head", HeadPart).output_names(["a"], (), None, glyphs.card.targets)
    assert HEADS.output_names(None, (), ["x", "y"], glyphs.card.targets) == ()
