from typing import Literal

import numpy as np
import pytest
import torch

from tasks.distill.confidence import confidence_weights
from tasks.training.heads import HeadWeights

SURE = torch.tensor([0.4, 0.5, 0.9, 1.0])
RIGHT = torch.tensor([True, False, True, False])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("drop", [0, 1, 1, 1]), ("weight", [0, 0.5, 0.9, 1]), ("right", [0, 0, 1, 0])],
)
def test_each_mode_says_who_may_speak_and_how_loud(
    mode: Literal["drop", "weight", "right"], expected: list[float]
) -> None:
    weights = confidence_weights(mode, 0.5, SURE, RIGHT)
    assert weights.dtype == SURE.dtype
    assert weights.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("mode", ["drop", "weight", "right"])
def test_nobody_speaks_above_every_confidence(mode: Literal["drop", "weight", "right"]) -> None:
    assert not confidence_weights(mode, 1.0, SURE[:3], RIGHT[:3]).any()


def by_name(losses: torch.Tensor) -> dict[str, torch.Tensor]:
    return dict(zip("abc", losses, strict=False))


def test_learned_weights_equal_the_formula_and_begin_as_the_plain_sum() -> None:
    weights, losses = (
        HeadWeights("learned", ("a", "b", "c")).double(),
        by_name(torch.tensor([0.2, 1.0, 7.0], dtype=torch.float64)),
    )
    assert weights(losses).item() == pytest.approx(8.2)
    with torch.no_grad():
        weights.log_variances.copy_(torch.tensor([-1.0, 0.5, 2.0]))
    sigma_squared = np.exp([-1.0, 0.5, 2.0])
    expected = np.sum(np.array([0.2, 1.0, 7.0]) / sigma_squared + np.log(np.sqrt(sigma_squared)))
    assert weights(losses).item() == pytest.approx(expected)


def test_learned_weights_settle_where_the_variance_is_twice_the_loss() -> None:
    weights, losses = HeadWeights("learned", ("a", "b")), by_name(torch.tensor([0.5, 4.0]))
    optimizer = torch.optim.Adam(weights.parameters(), lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        weights(losses).backward()
        optimizer.step()
    assert weights.log_variances.detach().exp().tolist() == pytest.approx([1.0, 8.0], rel=1e-2)
