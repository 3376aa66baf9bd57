from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from params.objectives import FeatureObjective, Objective
from tasks.core.errors import RecipeError
from tasks.core.plugins import available
from tasks.distill.objectives.common.features import FeatureShape
from tasks.distill.objectives.common.load_objective import MODULES, feature_objective
from tests.distill.objectives import feature_oracles
from tests.distill.objectives.made_features import KINDS, LAYOUTS, SAMPLES, Batch, module_of, section, weights_of
from tests.distill.objectives.oracles import Floats, assert_slopes, slopes

EXTREME = 1e4
OF_MAPS = ("cwd", "pairwise")
"""those of maps alone: `tests/kinds/segmentation/test_objectives.py`"""
CASES = [(kind, layout) for kind in KINDS for layout in LAYOUTS if not (kind == "attention" and layout == "vectors")]
Oracle = Callable[[Batch], float]


def valued(module: nn.Module, batch: Batch, dtype: torch.dtype = torch.float64) -> tuple[Tensor, list[Tensor]]:
    """Returns the loss, and the gradient with respect to each layer of the student."""
    ours, theirs, labels, rows = batch.tensors(dtype)
    loss: Tensor = module(ours, theirs, labels, rows)
    assert loss.shape == ()
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach(), [f.values.grad if f.values.grad is not None else f.values.detach() * 0 for f in ours]


def oracle_of(kind: str, module: nn.Module) -> Oracle:
    """Returns the oracle of a module as it is now; `crd` against all other samples."""
    weights, said = weights_of(module), getattr(module, "params", None)
    if kind != "crd":
        return lambda batch: feature_oracles.value_of(
            kind, batch.layers(batch.student), batch.layers(batch.teacher), weights, said
        )
    crds = [feature_oracles.Crd(known, 0.07, 0.5) for known in weights]

    def value(batch: Batch) -> float:
        others = (batch.rows[:, None] + np.arange(1, SAMPLES)) % SAMPLES
        sides = zip(crds, batch.layers(batch.student), batch.layers(batch.teacher), strict=True)
        return sum(crd.value(s, t, batch.labels, batch.rows, others) for crd, s, t in sides)

    return value


def with_layer(batch: Batch, place: int, values: Floats) -> Batch:
    return replace(batch, student=[values if n == place else layer for n, layer in enumerate(batch.student)])


def test_every_feature_objective_of_a_recipe_has_a_module() -> None:
    sections = get_args(get_args(Objective)[0])
    kinds = {get_args(s.model_fields["kind"].annotation)[0] for s in sections if issubclass(s, FeatureObjective)}
    assert kinds == {*KINDS, *OF_MAPS} <= set(available(MODULES))


@pytest.mark.parametrize("scale", [1.0, EXTREME])
@pytest.mark.parametrize(("kind", "layout"), CASES)
def test_value_and_gradient_equal_an_independent_oracle(kind: str, layout: str, scale: float) -> None:
    module, batch = module_of(kind, layout).double(), Batch.drawn(layout, scale=scale)
    oracle = oracle_of(kind, module)
    expected = oracle(batch)
    loss, gradients = valued(module, batch)
    assert loss.item() == pytest.approx(expected, rel=1e-6, abs=1e-9)
    step = 3e-4 * scale
    for place, gradient in enumerate(gradients):
        slope = slopes(lambda at, n=place: oracle(with_layer(batch, n, at)), batch.student[place], step)  # type: ignore[misc]
        assert_slopes(gradient.numpy(), slope, expected, step)


@pytest.mark.parametrize(("kind", "layout"), CASES)
def test_two_samples_equal_the_oracle_too(kind: str, layout: str) -> None:
    module, batch = module_of(kind, layout, 3).double(), Batch.drawn(layout, 2, 3)
    oracle = oracle_of(kind, module)
    assert valued(module, batch)[0].item() == pytest.approx(oracle(batch), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("kind", "layout"), CASES)
def test_a_batch_of_one_is_finite(kind: str, layout: str) -> None:
    loss, gradients = valued(module_of(kind, layout), Batch.drawn(layout, 1), torch.float32)
    assert torch.isfinite(loss)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    if kind in ("similarity", "relation", "pkt"):  # nothing to relate
        assert loss == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize(("kind", "layout"), CASES)
def test_narrow_features_of_any_size_give_finite_values_and_gradients(
    kind: str, layout: str, dtype: torch.dtype
) -> None:
    for seed, scale in enumerate([1e-6, 1.0, EXTREME]):
        batch = Batch.drawn(layout, 2 + 3 * seed, seed, scale)
        loss, gradients = valued(module_of(kind, layout, seed), batch, dtype)
        assert loss.dtype == torch.float32
        assert torch.isfinite(loss)
        assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize(("kind", "layout"), CASES)
def test_a_layer_that_is_silent_or_says_the_same_of_every_sample_is_finite(kind: str, layout: str) -> None:
    for level in (0.0, 1.5):
        batch = Batch.drawn(layout)
        batch = replace(batch, student=[np.full_like(values, level) for values in batch.student])
        loss, gradients = valued(module_of(kind, layout), batch, torch.float32)
        assert torch.isfinite(loss)
        assert all(torch.isfinite(gradient).all() for gradient in gradients)
        if kind in ("attention", "similarity", "relation", "pkt"):
            assert all(gradient.abs().max() < 100 for gradient in gradients)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_in_the_padding_and_how_much_of_it_there_is_changes_nothing(kind: str) -> None:
    batch = Batch.drawn("frames")
    assert batch.there is not None
    gone = (batch.there == 0)[:, None, :]
    spoilt = [[np.where(gone, np.nan, values) for values in side] for side in (batch.student, batch.teacher)]
    longer = [[np.pad(values, ((0, 0), (0, 0), (0, 3)), constant_values=9.0) for values in side] for side in spoilt]
    variants = [
        batch,
        replace(batch, student=spoilt[0], teacher=spoilt[1]),
        replace(batch, student=longer[0], teacher=longer[1], there=np.pad(batch.there, ((0, 0), (0, 3)))),
    ]
    results = [valued(module_of(kind, "frames").double(), variant) for variant in variants]
    for loss, gradients in results:
        assert loss.item() == pytest.approx(results[0][0].item(), rel=1e-12, abs=1e-12)
        for gradient, first in zip(gradients, results[0][1], strict=True):
            torch.testing.assert_close(gradient[:, :, :7], first, rtol=1e-9, atol=1e-12)
            assert not gradient[:, :, 7:].any()
            assert not gradient[:, :, :7].numpy()[np.broadcast_to(gone, first.shape)].any()


@pytest.mark.parametrize("kind", KINDS)
def test_sequences_without_padding_need_no_mask(kind: str) -> None:
    batch = replace(Batch.drawn("frames"), there=np.ones((4, 7)))
    masked, plain = (
        valued(module_of(kind, "frames").double(), b)[0].item() for b in (batch, replace(batch, there=None))
    )
    assert masked == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("kind", ["attention", "similarity", "relation", "pkt"])
@pytest.mark.parametrize("layout", ["frames", "pictures"])
def test_a_student_that_equals_its_teacher_has_nothing_to_learn(kind: str, layout: str) -> None:
    batch = Batch.drawn(layout)
    loss, gradients = valued(module_of(kind, layout).double(), replace(batch, teacher=batch.student))
    assert loss.item() == pytest.approx(0, abs=1e-12)
    # pkt adds 1e-7 to what it takes the logarithm of, and is that far from its minimum
    assert max(gradient.abs().max().item() for gradient in gradients) < 1e-6


@pytest.mark.parametrize("kind", ["attention", "similarity", "relation", "pkt"])
def test_a_student_of_twice_the_size_looks_the_same(kind: str) -> None:
    batch = Batch.drawn("pictures")
    one, two = (
        valued(module_of(kind, "pictures").double(), b)[0].item()
        for b in (batch, replace(batch, student=[2 * values for values in batch.student]))
    )
    assert one == pytest.approx(two, rel=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_teacher_that_is_the_projected_student_is_the_minimum_of_hint(layout: str) -> None:
    module, batch = module_of("hint", layout).double(), Batch.drawn(layout)
    batch = replace(batch, student=[values[:, :, :5, :7] if values.ndim == 4 else values for values in batch.student])
    projected = []
    for values, weights in zip(batch.student, weights_of(module), strict=True):
        last = np.moveaxis(values, 1, -1)
        kept = np.ones(last.shape[:-1], bool) if batch.there is None else batch.there.astype(bool)
        guess = np.zeros((*last.shape[:-1], len(weights["norm.bias"])))
        rows = [last[kept] @ weights["linear.weight"].T]
        guess[kept] = feature_oracles.normed(rows, weights["norm.weight"], weights["norm.bias"])[0]
        projected.append(np.moveaxis(guess, -1, 1))
    loss, gradients = valued(module, replace(batch, teacher=projected))
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert max(gradient.abs().max().item() for gradient in gradients) < 1e-9


@pytest.mark.parametrize(("kind", "layout"), CASES)
def test_the_teacher_gets_no_gradient_and_what_learns_does(kind: str, layout: str) -> None:
    module, batch = module_of(kind, layout), Batch.drawn(layout)
    ours, theirs, labels, rows = batch.tensors(torch.float32)
    for features in theirs:
        features.values.requires_grad_()
    module(ours, theirs, labels, rows).backward()
    assert all(features.values.grad is None for features in theirs)
    silent = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent


@pytest.mark.parametrize(("kind", "layout"), [(k, one) for k, one in CASES if k in ("hint", "vid", "crd", "review")])
def test_learning_alone_makes_the_loss_smaller(kind: str, layout: str) -> None:
    module, batch = module_of(kind, layout), Batch.drawn(layout, 8)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        losses.append(valued(module, batch, torch.float32)[0].item())
        optimizer.step()
    assert losses[-1] < losses[0]


def test_the_variance_of_vid_starts_where_the_recipe_says_and_moves() -> None:
    module, batch = module_of("vid", "vectors", variance=2.5), Batch.drawn("vectors")
    raw = [p for name, p in module.named_parameters() if name.endswith("raw_variance")]
    assert [p.numel() for p in raw] == [4, 3]
    for parameter in raw:
        torch.testing.assert_close(nn.functional.softplus(parameter.detach()) + 1e-5, torch.full_like(parameter, 2.5))
    before = [parameter.detach().clone() for parameter in raw]
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    valued(module, batch, torch.float32)
    optimizer.step()
    for parameter, old in zip(raw, before, strict=True):
        assert parameter.grad is not None
        assert (parameter.detach() != old).all()


def test_attention_refuses_layers_without_positions_by_name() -> None:
    shapes = [FeatureShape(3), FeatureShape(3, (5,))]
    with pytest.raises(RecipeError) as caught:
        feature_objective("attention")(section("attention"), shapes, shapes[::-1], SAMPLES)
    assert len(caught.value.problems) == 2
    assert "`distill.objectives.attention.layers.0`" in caught.value.problems[0]
    assert "`s0` with 0 and `t0` with 1" in caught.value.problems[0]


@pytest.mark.parametrize("kind", ["hint", "vid", "similarity", "relation", "pkt", "crd", "review"])
def test_a_picture_may_teach_a_vector(kind: str) -> None:
    batch = Batch.drawn("pictures")
    flat = replace(batch, student=[values.mean(axis=(2, 3)) for values in batch.student])
    shapes = [FeatureShape(3), FeatureShape(2)], [FeatureShape(2, (5, 8)), FeatureShape(3, (3, 3))]
    torch.manual_seed(0)
    module = feature_objective(kind)(section(kind), *shapes, SAMPLES).double()
    assert torch.isfinite(valued(module, flat)[0])
