"""Objectives on maps: where each channel is high, and how alike places are."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from params.objectives import Cwd, Pairwise
from tasks.core.errors import RecipeError
from tasks.distill.objectives.common.features import Features, FeatureShape
from tasks.distill.objectives.cwd import CwdLoss
from tasks.distill.objectives.pairwise import PairwiseLoss

LAYERS = [{"student": "a", "teacher": "b"}]
MAPS = FeatureShape(5, (6, 8))
NOTHING = torch.zeros(0)


def drawn(channels: int = 5, size: tuple[int, int] = (6, 8), seed: int = 0) -> Tensor:
    return torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(seed))


def value(objective: CwdLoss | PairwiseLoss, ours: Tensor, theirs: Tensor) -> Tensor:
    loss: Tensor = objective([Features(ours)], [Features(theirs)], NOTHING, NOTHING)
    return loss


def cwd(temperature: float = 4.0, student: FeatureShape = MAPS) -> CwdLoss:
    params = Cwd.model_validate({"kind": "cwd", "layers": LAYERS, "temperature": temperature})
    return CwdLoss(params, [student], [MAPS], 0)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_cwd_is_the_divergence_over_all_places_of_each_channel(temperature: float) -> None:
    ours, theirs = drawn(), drawn(seed=1)
    student, teacher = (values.flatten(2) / temperature for values in (ours, theirs))
    each = functional.kl_div(student.log_softmax(2), teacher.softmax(2), reduction="sum")
    torch.testing.assert_close(value(cwd(temperature), ours, theirs), temperature**2 * each / (2 * 5))


def test_cwd_is_zero_where_each_channel_is_high_in_the_same_places() -> None:
    ours = drawn()
    offset = torch.arange(5.0).reshape(1, 5, 1, 1)
    assert float(value(cwd(), ours + offset, ours)) == pytest.approx(0, abs=1e-6)


def test_cwd_brings_other_channels_and_sizes_to_those_of_the_teacher() -> None:
    objective = cwd(student=FeatureShape(3, (12, 16)))
    ours = drawn(3, (12, 16)).requires_grad_()
    value(objective, ours, drawn(seed=1)).backward()  # type: ignore[no-untyped-call]
    assert ours.grad is not None
    assert ours.grad.abs().sum() > 0


def test_cwd_refuses_layers_without_places() -> None:
    with pytest.raises(RecipeError, match="axes of positions"):
        cwd(student=FeatureShape(5))


def pairwise(places: int = 3) -> PairwiseLoss:
    params = Pairwise.model_validate({"kind": "pairwise", "layers": LAYERS, "places": places})
    return PairwiseLoss(params, [MAPS], [MAPS], 0)


def test_pairwise_compares_the_cosines_of_all_pairs_of_places() -> None:
    ours, theirs = drawn(), drawn(seed=1)
    cosines = []
    for values in (ours, theirs):
        patches = functional.normalize(functional.adaptive_avg_pool2d(values, 3).flatten(2), dim=1)
        cosines.append(torch.einsum("bci,bcj->bij", patches, patches))
    torch.testing.assert_close(value(pairwise(), ours, theirs), (cosines[0] - cosines[1]).square().mean())


def test_pairwise_needs_neither_equal_channels_nor_equal_sizes() -> None:
    assert float(value(pairwise(), drawn(9, (3, 4)), drawn())) > 0
    assert float(value(pairwise(), 3 * drawn(), drawn())) == pytest.approx(0, abs=1e-10)
