from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from params.objectives import Objective, SoftLabelObjective
from tasks.core.plugins import available
from tasks.distill.objectives.common.load_objective import MODULES, VECTORS, soft_label_objective
from tests.distill.objectives import oracles
from tests.distill.objectives.oracles import Floats, Ints, assert_slopes, slopes

KINDS = ("kl", "reverse_kl", "symmetric_kl", "logit_mse", "dkd", "dist")
TEMPERATURES = (0.5, 1.0, 4.0, 100.0)
SHAPES = {"batch": (5, 4), "one row": (1, 4), "two classes": (5, 2)}
EXTREME = 1e4


def params(kind: str, **said: Any) -> Any:
    return TypeAdapter(Objective).validate_python({"kind": kind, **said})


def drawn(shape: tuple[int, int], scale: float, seed: int = 0) -> tuple[Floats, Floats, Ints]:
    generator = np.random.default_rng(seed)
    student, teacher = generator.normal(size=(2, *shape)) * scale
    return student, teacher, generator.integers(0, shape[1], shape[0])


def losses(kind: str, student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, said: Any = None) -> Tensor:
    return soft_label_objective(kind)(student, teacher, labels, temperature, said or params(kind))


def valued(kind: str, drawn: tuple[Floats, Floats, Ints], temperature: float, said: Any) -> tuple[float, Floats]:
    """Returns the mean over rows, and its gradient."""
    student, teacher, labels = (torch.from_numpy(array) for array in drawn)
    student.requires_grad_()
    rows = losses(kind, student, teacher, labels, temperature, said)
    assert rows.shape == (len(student),)
    rows.mean().backward()  # type: ignore[no-untyped-call]
    assert student.grad is not None
    return rows.mean().item(), student.grad.numpy()


def test_every_soft_label_objective_of_a_recipe_has_a_function() -> None:
    sections = get_args(get_args(Objective)[0])
    kinds = {get_args(s.model_fields["kind"].annotation)[0] for s in sections if issubclass(s, SoftLabelObjective)}
    assert kinds == {*KINDS, *available(VECTORS)}
    assert set(KINDS) <= set(available(MODULES))


@pytest.mark.parametrize("standardise", [False, True], ids=["plain", "standardised"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("scale", [1.0, EXTREME])
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("kind", KINDS)
def test_value_and_gradient_equal_an_independent_oracle(
    kind: str, temperature: float, scale: float, shape: tuple[int, int], standardise: bool
) -> None:
    said = params(kind, standardise=standardise)
    student, teacher, labels = drawn(shape, scale)
    value, gradient = valued(kind, (student, teacher, labels), temperature, said)

    def oracle(at: Floats) -> float:
        return oracles.objective(kind, at, teacher, labels, temperature, said)

    assert value == pytest.approx(oracle(student), rel=1e-6, abs=1e-9)
    step = 1e-3 * max(1, scale / 100)
    assert_slopes(gradient, slopes(oracle, student, step), max(value, temperature**2), step)


@pytest.mark.parametrize("kind", ["dkd", "dist"])
def test_weights_within_an_objective_weigh_what_they_say(kind: str) -> None:
    parts = {"dkd": ("target", "non_target"), "dist": ("beta", "gamma")}[kind]
    batch = drawn((6, 5), 2.0)
    alone = [valued(kind, batch, 3.0, params(kind, **{parts[n]: 1.0, parts[1 - n]: 0.0}))[0] for n in (0, 1)]
    both = valued(kind, batch, 3.0, params(kind, **{parts[0]: 0.25, parts[1]: 7.0}))[0]
    assert min(alone) > 0
    assert both == pytest.approx(0.25 * alone[0] + 7 * alone[1], rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_narrow_numbers_give_what_float64_gives_for_them(kind: str, dtype: torch.dtype) -> None:
    for seed in range(8):
        generator = np.random.default_rng(seed)
        shape = (int(generator.integers(1, 9)), int(generator.integers(2, 12)))
        scale = (0.1, 3.0, 30.0, EXTREME)[seed % 4]
        temperature = TEMPERATURES[seed // 2]
        student, teacher, labels = (torch.from_numpy(array) for array in drawn(shape, scale, seed))
        student, teacher = student.clamp(-6e4, 6e4).to(dtype).requires_grad_(), teacher.clamp(-6e4, 6e4).to(dtype)
        rows = losses(kind, student, teacher, labels, temperature)
        assert rows.dtype == torch.float32
        rows.mean().backward()  # type: ignore[no-untyped-call]
        assert student.grad is not None
        assert torch.isfinite(student.grad).all()
        exact = losses(kind, student.detach().double(), teacher.double(), labels, temperature)
        torch.testing.assert_close(rows.detach().double(), exact, rtol=2e-3, atol=1e-6 * temperature**2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1.0, EXTREME])
def test_a_student_that_equals_its_teacher_has_nothing_to_learn(kind: str, scale: float) -> None:
    for temperature in TEMPERATURES:
        student, _, labels = drawn((5, 4), scale)
        value, gradient = valued(kind, (student, student.copy(), labels), temperature, params(kind))
        assert value == pytest.approx(0, abs=1e-9)
        assert np.abs(gradient).max() < 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_no_row_is_negative_whatever_it_holds(kind: str) -> None:
    for seed in range(20):
        student, teacher, labels = (torch.from_numpy(array) for array in drawn((7, 5), 10.0 ** (seed % 5), seed))
        assert losses(kind, student, teacher, labels, 2.0).min().item() >= -1e-9


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "dist"])
def test_a_row_does_not_depend_on_the_rows_beside_it(kind: str) -> None:
    student, teacher, labels = (torch.from_numpy(array) for array in drawn((6, 4), 2.0))
    together = losses(kind, student, teacher, labels, 3.0)
    alone = torch.cat([losses(kind, student[n : n + 1], teacher[n : n + 1], labels[n : n + 1], 3.0) for n in range(6)])
    torch.testing.assert_close(together, alone)


def test_at_a_high_temperature_kl_pulls_like_the_distance_of_the_logits() -> None:
    """Hinton, Vinyals and Dean 2015, equation 4, for logits of mean 0, times T^2."""
    student, teacher, labels = drawn((6, 5), 2.0)
    student, teacher = (side - side.mean(axis=1, keepdims=True) for side in (student, teacher))
    _, hot = valued("kl", (student, teacher, labels), 1e4, params("kl"))
    _, matching = valued("logit_mse", (student, teacher, labels), 1.0, params("logit_mse"))
    np.testing.assert_allclose(hot, matching / 2, atol=1e-3 * np.abs(matching).max())


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("scale", [1.0, EXTREME])
def test_dkd_of_two_classes_is_its_target_term_to_the_bit(temperature: float, scale: float) -> None:
    batch = drawn((5, 2), scale)
    whole, gradient = valued("dkd", batch, temperature, params("dkd"))
    target, target_gradient = valued("dkd", batch, temperature, params("dkd", non_target=0.0))
    assert whole == target
    assert np.array_equal(gradient, target_gradient)
    nothing, no_gradient = valued("dkd", batch, temperature, params("dkd", target=0.0))
    assert nothing == 0
    assert not no_gradient.any()


@pytest.mark.parametrize("kind", KINDS)
def test_two_classes_equal_the_two_class_case_written_with_one_number(kind: str) -> None:
    """With two classes every objective but the distance of logits depends on the difference of the logits alone."""
    student, teacher, labels = (torch.from_numpy(array) for array in drawn((8, 2), 3.0))
    moved = student + 5.0
    if kind == "logit_mse":
        assert not torch.allclose(
            losses(kind, student, teacher, labels, 2.0), losses(kind, moved, teacher, labels, 2.0)
        )
    else:
        torch.testing.assert_close(
            losses(kind, student, teacher, labels, 2.0), losses(kind, moved, teacher, labels, 2.0)
        )


def test_dist_of_one_row_has_no_part_between_rows() -> None:
    batch = drawn((1, 6), 2.0)
    assert valued("dist", batch, 1.0, params("dist"))[0] == valued("dist", batch, 1.0, params("dist", gamma=0.0))[0]
    nothing, gradient = valued("dist", batch, 1.0, params("dist", beta=0.0))
    assert nothing == 0
    assert not gradient.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("classes", [2, 3, 7, 10])
def test_dist_of_constant_rows_is_nothing(dtype: torch.dtype, classes: int) -> None:
    """No class is more likely than another, but for rounding, so there is nothing to correlate."""
    teacher = torch.from_numpy(drawn((5, classes), 2.0)[1]).to(dtype)
    for level in (0.0, 0.1, 3.0, 1e4):
        student = torch.full((5, classes), level, dtype=dtype, requires_grad=True)
        rows = losses("dist", student, teacher, torch.zeros(5, dtype=torch.int64), 1.0)
        assert rows.abs().max() == 0
        rows.sum().backward()  # type: ignore[no-untyped-call]
        assert student.grad is not None
        assert not student.grad.any()


def test_dist_spreads_its_part_between_rows_evenly() -> None:
    student, teacher, labels = (torch.from_numpy(array) for array in drawn((6, 4), 2.0))
    rows = losses("dist", student, teacher, labels, 1.0, params("dist", beta=0.0))
    assert rows.max() == rows.min()
    assert rows.min() > 0


@pytest.mark.parametrize("change", [lambda z: 3 * z, lambda z: z + 7, lambda z: 0.01 * z - 2])
@pytest.mark.parametrize("kind", KINDS)
def test_standardised_logits_forget_scale_and_place(kind: str, change: Callable[[Tensor], Tensor]) -> None:
    student, teacher, labels = (torch.from_numpy(array) for array in drawn((5, 6), 2.0))
    said = params(kind, standardise=True)
    torch.testing.assert_close(
        losses(kind, change(student), teacher, labels, 2.0, said),
        losses(kind, student, teacher, labels, 2.0, said),
        rtol=1e-4,
        atol=1e-6,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_standardised_constant_logits_are_finite(kind: str) -> None:
    student = torch.full((4, 5), 2.5, requires_grad=True)
    _, teacher, labels = (torch.from_numpy(array) for array in drawn((4, 5), 2.0))
    rows = losses(kind, student, teacher.float(), labels, 1.0, params(kind, standardise=True))
    rows.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(rows).all()
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()
