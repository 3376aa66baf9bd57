from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from params.distill import Distill
from params.models import Mlp
from params.training import Training
from tasks.distill.fused import Factors, hard_and_soft, targets_of
from tasks.distill.loss import DistillationLoss
from tasks.distill.soft_labels.source import LiveSoftLabels
from tasks.training.batches import Batch
from tasks.training.loop import Known
from tasks.training.network import PreparedData, Trained
from tests.distill.objectives.oracles import kl, log_probabilities


def batch_of(data: PreparedData) -> Batch:
    return Batch.of(data.splits.train.gather(np.arange(32)), torch.device("cpu"))


def loss_of(data: PreparedData, teacher: Trained, plain: bool = True, **said: object) -> DistillationLoss:
    signal = LiveSoftLabels(teacher.network, "sequence")
    loss = DistillationLoss(
        Distill.model_validate(said), Training(epochs=4), signal, teacher.network, teacher.network, data
    )
    assert loss.plain or not plain
    loss.plain = plain
    return loss


def gradients(data: PreparedData, loss: DistillationLoss, seed: int) -> tuple[dict[str, float], list[torch.Tensor]]:
    torch.manual_seed(seed)
    student = data.network(Mlp(kind="mlp", hidden=(8,)))
    terms = dict(loss(student, batch_of(data)))
    found = terms.pop("loss")
    if isinstance(found, Known):
        torch.autograd.backward(found.at, found.gradient)
        found = found.value
    else:
        torch.autograd.backward(found)
    gradients = [p.grad for p in student.parameters() if p.grad is not None]
    return {name: float(value.detach()) for name, value in {"loss": found, **terms}.items()}, gradients


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("temperature", [0.5, 4.0, 100.0])
def test_the_plain_case_is_the_general_one_in_value_and_gradient(
    image_data: PreparedData, teacher: Trained, alpha: float, temperature: float
) -> None:
    quick_loss, general_loss = (
        loss_of(image_data, teacher, plain, alpha=alpha, temperature=temperature) for plain in (True, False)
    )
    quick, quick_gradients = gradients(image_data, quick_loss, 0)
    general, general_gradients = gradients(image_data, general_loss, 0)
    # A logarithm has 1e-7 in float32, which T^2 makes larger.
    assert quick == pytest.approx(general, rel=1e-5, abs=1e-7 * max(10, temperature**2))
    for one, other in zip(quick_gradients, general_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 100.0])
@pytest.mark.parametrize("size", [1.0, 1e4])
@pytest.mark.parametrize(("samples", "classes"), [(5, 4), (1, 4), (5, 2)])
def test_both_terms_out_of_one_softmax_are_those_of_the_oracle(
    temperature: float, size: float, samples: int, classes: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        size * torch.randn(samples, classes, dtype=torch.float64, generator=generator) for _ in range(2)
    )
    labels = torch.arange(samples) % classes
    alpha = 0.3
    factors = Factors.of(alpha, temperature, samples, student.device, student.dtype)
    (mean, hard, soft), gradient = hard_and_soft(student, *targets_of(teacher, labels, alpha, temperature), factors)
    rows = list(zip(student.numpy(), teacher.numpy(), labels.tolist(), strict=True))
    assert hard.item() == pytest.approx(-np.mean([log_probabilities(ours)[label] for ours, _, label in rows]), rel=1e-9)
    expected = float(np.mean([kl(ours, theirs, label, temperature, None) for ours, theirs, label in rows]))
    assert soft.item() == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert mean.item() == pytest.approx(alpha * hard.item() + (1 - alpha) * soft.item(), rel=1e-9)
    traced = student.clone().requires_grad_()
    ours, theirs = (functional.log_softmax(side / temperature, dim=1) for side in (traced, teacher))
    divergence = temperature**2 * functional.kl_div(ours, theirs, log_target=True, reduction="batchmean")
    loss = alpha * functional.cross_entropy(traced, labels) + (1 - alpha) * divergence
    torch.testing.assert_close(gradient, torch.autograd.grad(loss, traced)[0], rtol=1e-9, atol=1e-9)


def test_alpha_weighs_the_hard_label_and_the_rest_goes_to_all_objectives_together(
    image_data: PreparedData, teacher: Trained
) -> None:
    both = [{"kind": "kl", "weight": 2.0}, {"kind": "logit_mse", "weight": 0.5}]
    terms, _ = gradients(image_data, loss_of(image_data, teacher, plain=False, alpha=0.25, objectives=both), 0)
    taught = 2.0 * terms["kl_loss"] + 0.5 * terms["logit_mse_loss"]
    assert terms["soft_loss"] == pytest.approx(taught, rel=1e-6)
    assert terms["loss"] == pytest.approx(0.25 * terms["hard_loss"] + 0.75 * taught, rel=1e-6)


def test_a_silent_soft_label_makes_the_others_no_louder(image_data: PreparedData, teacher: Trained) -> None:
    said = {"alpha": 0.0, "temperature": 1.0}
    every, _ = gradients(image_data, loss_of(image_data, teacher, plain=False, **said), 0)
    some, _ = gradients(image_data, loss_of(image_data, teacher, plain=False, confidence_threshold=0.9, **said), 0)
    assert 0 < some["soft_labels_speaking"] < 1
    assert some["loss"] < every["loss"]


@pytest.mark.parametrize("mode", ["drop", "weight", "right"])
def test_a_threshold_above_every_confidence_silences_the_teacher(
    image_data: PreparedData, teacher: Trained, mode: str
) -> None:
    loss = loss_of(
        image_data,
        teacher,
        plain=False,
        alpha=0.3,
        confidence_threshold=1.0,
        confidence_mode=mode,
        objectives=[{"kind": "kl"}, {"kind": "dist"}],
    )
    terms, found = gradients(image_data, loss, 0)
    assert terms["soft_labels_speaking"] == 0.0
    assert terms["loss"] == pytest.approx(0.3 * terms["hard_loss"])
    assert all(torch.isfinite(gradient).all() for gradient in found)


def test_what_is_shown_of_a_kind_is_the_sum_of_its_objectives(image_data: PreparedData, teacher: Trained) -> None:
    layers = [{"student": "hidden1", "teacher": "hidden2"}]
    soft, similar = {"kind": "kl", "weight": 0.5}, {"kind": "similarity", "weight": 0.25, "layers": layers}
    params = Distill.model_validate({"alpha": 0.0, "objectives": [soft, soft, similar, similar]})
    student, signal = image_data.network(Mlp(kind="mlp", hidden=(8,))), LiveSoftLabels(teacher.network)
    loss = DistillationLoss(params, Training(epochs=4), signal, student, teacher.network, image_data)
    terms = {
        name: float(value.detach()) for name, value in loss.general(student, batch_of(image_data), alpha=0.0).items()
    }
    assert terms["soft_loss"] == pytest.approx(0.5 * terms["kl_loss"])
    assert terms["loss"] == pytest.approx(terms["soft_loss"] + 0.25 * terms["similarity_loss"])
    assert terms["similarity_loss"] > 0


def test_nothing_reaches_the_teacher(image_data: PreparedData, teacher: Trained, tmp_path: Path) -> None:
    teacher.network.requires_grad_(requires_grad=True).zero_grad()
    gradients(image_data, loss_of(image_data, teacher, plain=False), 0)
    gradients(image_data, loss_of(image_data, teacher), 0)
    assert all(parameter.grad is None for parameter in teacher.network.parameters())
