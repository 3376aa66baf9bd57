import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax

from tasks.distill.objectives import confident, mixed_loss, soft_label_loss

Floats = NDArray[np.float64]


def oracle(student: Floats, teacher: Floats, temperature: float) -> Floats:
    """T^2 * sum over classes of p_t * (log p_t - log p_s), written from Hinton 2015 with SciPy alone."""
    log_s, log_t = log_softmax(student / temperature, axis=1), log_softmax(teacher / temperature, axis=1)
    return np.asarray(temperature**2 * (np.exp(log_t) * (log_t - log_s)).sum(axis=1))


def logits(scale: float, batch: int, classes: int) -> tuple[Floats, Floats]:
    draws = np.random.default_rng(0).normal(size=(2, batch, classes)) * scale
    return draws[0], draws[1]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 100.0])
@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize(("batch", "classes"), [(16, 10), (1, 10), (16, 2)])
def test_soft_label_loss_equals_an_independent_oracle(
    temperature: float, scale: float, batch: int, classes: int
) -> None:
    student, teacher = logits(scale, batch, classes)
    ours = soft_label_loss(torch.from_numpy(student), torch.from_numpy(teacher), temperature).numpy()
    np.testing.assert_allclose(ours, oracle(student, teacher, temperature), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("temperature", [0.5, 4.0])
def test_its_gradient_equals_finite_differences(temperature: float) -> None:
    student, teacher = logits(2.0, 4, 5)
    variable = torch.from_numpy(student).requires_grad_()
    soft_label_loss(variable, torch.from_numpy(teacher), temperature).sum().backward()  # type: ignore[no-untyped-call]
    assert variable.grad is not None
    step = 1e-5
    for index in np.ndindex(student.shape):
        up, down = student.copy(), student.copy()
        up[index] += step
        down[index] -= step
        slope = (oracle(up, teacher, temperature) - oracle(down, teacher, temperature)).sum() / (2 * step)
        assert variable.grad[index].item() == pytest.approx(slope, abs=1e-6)


def test_a_student_that_equals_its_teacher_has_no_soft_loss() -> None:
    student, _ = logits(3.0, 8, 10)
    loss = soft_label_loss(torch.from_numpy(student), torch.from_numpy(student), 4.0)
    assert loss.abs().max().item() < 1e-12


def test_alpha_weighs_the_hard_label() -> None:
    hard, soft, speaks = torch.tensor(2.0), torch.tensor([1.0, 3.0]), torch.ones(2)
    assert mixed_loss(hard, soft, speaks, 1.0).item() == 2.0
    assert mixed_loss(hard, soft, speaks, 0.0).item() == 2.0
    assert mixed_loss(hard, soft * 2, speaks, 0.25).item() == pytest.approx(0.25 * 2 + 0.75 * 4)


def test_a_soft_label_below_the_threshold_is_silent_and_makes_the_others_no_louder() -> None:
    speaks = confident(torch.tensor([0.4, 0.6, 0.5]), 0.5)
    assert speaks.tolist() == [0.0, 1.0, 1.0]
    assert mixed_loss(torch.tensor(0.0), torch.tensor([9.0, 3.0, 3.0]), speaks, 0.0).item() == pytest.approx(2.0)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_nothing_is_nan_in_bfloat16(scale: float) -> None:
    student, teacher = logits(scale, 16, 10)
    narrow = [torch.from_numpy(array).bfloat16() for array in (student, teacher)]
    assert torch.isfinite(soft_label_loss(narrow[0], narrow[1], 4.0)).all()
