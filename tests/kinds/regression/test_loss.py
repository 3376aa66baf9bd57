"""What a network of numbers learns from: shared labels, a teacher's distributions, and several teachers."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from tasks.core.errors import DataError
from tasks.distill.teachers.outputs import outputs_of_values, require_width
from tasks.kinds.contract import MASK, STEPS
from tasks.kinds.regression.bins import expected
from tasks.kinds.regression.head import PART as HEADS
from tasks.kinds.regression.loss import PART
from tasks.kinds.regression.names import LOGITS, VALUE
from tasks.training.network import PreparedData
from tests.kinds.regression.conftest import CARD

NUMBERS = torch.tensor([10.0, 11.0, 22.5, 30.0], dtype=torch.float64)
SHARED = torch.tensor([[1, 0, 0, 0, 0], [0.8, 0.2, 0, 0, 0], [0, 0, 0.5, 0.5, 0], [0, 0, 0, 0, 1]])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_hard_loss_is_torchs_with_shared_labels(smoothing: float) -> None:
    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    found = PART.losses({LOGITS: logits}, {VALUE: NUMBERS}, CARD, smoothing)["value"]
    torch.testing.assert_close(found, functional.cross_entropy(logits, SHARED, label_smoothing=smoothing))
    assert found.dtype == torch.float32


def test_the_loss_leads_to_the_number() -> None:
    logits = torch.zeros(4, 5, requires_grad=True)
    optimiser = torch.optim.Adam([logits], 0.2)
    for _ in range(300):
        optimiser.zero_grad()
        (logits.grad,) = torch.autograd.grad(
            PART.losses({LOGITS: logits}, {VALUE: NUMBERS}, CARD, 0.0)["value"], logits
        )
        optimiser.step()
    np.testing.assert_allclose(expected(logits.detach().numpy(), CARD), NUMBERS, atol=0.1)


def test_rows_say_how_sure_and_how_near_the_teacher_is() -> None:
    theirs = 9 * torch.eye(5)[[0, 2, 3, 4]]
    (row,) = PART.rows({LOGITS: torch.zeros(4, 5)}, {LOGITS: theirs}, {VALUE: NUMBERS}, CARD, "sequence")
    assert row.labels is not None
    assert row.right is not None
    assert row.labels.tolist() == [0, 0, 3, 4]  # the nearest bin
    assert row.right.tolist() == [True, False, False, True]  # 20 for 11, 25 for 22.5
    torch.testing.assert_close(row.certainty, functional.softmax(theirs, 1).amax(1))
    (row,) = PART.rows({LOGITS: torch.zeros(4, 5)}, {LOGITS: theirs}, None, CARD, "sequence")
    assert row.labels is None
    assert row.right is None


def test_frames_of_a_sequence_share_its_weight() -> None:
    mask = torch.tensor([[True, True], [True, False]])
    outputs = {LOGITS: torch.zeros(2, 5), f"{STEPS}.{LOGITS}": torch.randn(2, 2, 5), MASK: mask}
    (row,) = PART.rows(outputs, outputs, {VALUE: NUMBERS[:2]}, CARD, "step")
    assert row.weights is not None
    assert row.weights.tolist() == [0.5, 0.5, 1.0]
    assert row.student.shape == (3, 5)


def test_the_mean_of_teachers_answers_the_mean_of_their_numbers() -> None:
    draws = torch.Generator().manual_seed(1)
    first, second = (torch.randn(3, 5, generator=draws) * 3 for _ in range(2))
    mean = PART.mean_of([{LOGITS: first}, {LOGITS: second}], [0.25, 0.75])[LOGITS]
    wanted = 0.25 * expected(first.numpy(), CARD) + 0.75 * expected(second.numpy(), CARD)
    np.testing.assert_allclose(expected(mean.numpy(), CARD), wanted, rtol=1e-5)


def test_a_teacher_of_other_bins_is_refused_and_told_what_to_say(heat: PreparedData) -> None:
    require_width("teacher.onnx", "", 16, (), heat.card.spec, some=False)
    with pytest.raises(DataError, match=r"16 outputs, one for each value from 0 to 30.*got 81; say `data\.regression"):
        require_width("teacher.onnx", "", 81, (), heat.card.spec, some=False)
    with pytest.raises(DataError, match=r"`teacher\.classes`: expected nothing"):
        HEADS.output_names(["a"], (), None, CARD)


def test_probabilities_of_a_teacher_are_its_distribution(heat: PreparedData) -> None:
    parts = torch.softmax(torch.randn(3, 16), 1)
    found = outputs_of_values(parts, "probabilities", (), heat.card.spec)[LOGITS]
    torch.testing.assert_close(torch.softmax(found, 1), parts, atol=1e-6, rtol=1e-4)
