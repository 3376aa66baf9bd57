from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from params.distill import Distill
from params.models import Mlp
from params.training import Training
from tasks.distill.loss import DistillationLoss
from tasks.distill.soft_labels.source import LiveSoftLabels
from tasks.training.batches import Batch
from tasks.training.network import PreparedData, Trained
from tests.distill.objectives.oracles import kl, log_probabilities


def batch_of(data: PreparedData) -> Batch:
    return Batch.of(data.splits.train.gather(np.arange(32)), torch.device("cpu"))


def loss_of(data: PreparedData, teacher: Trained, **said: object) -> DistillationLoss:
    source = LiveSoftLabels(teacher.network, data.losses)
    return DistillationLoss(
        Distill.model_validate(said), Training(epochs=4), source, teacher.network, teacher.network, data
    )


def gradients(data: PreparedData, loss: DistillationLoss, seed: int) -> tuple[dict[str, float], list[torch.Tensor]]:
    torch.manual_seed(seed)
    student = data.network(Mlp(kind="mlp", hidden=(8,)))
    terms = loss(student, batch_of(data))
    torch.autograd.backward(terms["loss"])
    gradients = [p.grad for p in student.parameters() if p.grad is not None]
    return {name: float(value.detach()) for name, value in terms.items()}, gradients


@pytest.mark.parametrize("temperature", [0.5, 4.0, 100.0])
def test_loss_and_gradient_of_the_default_are_those_of_the_paper(
    image_data: PreparedData, teacher: Trained, temperature: float
) -> None:
    loss = loss_of(image_data, teacher, alpha=0.3, temperature=temperature)
    terms, found = gradients(image_data, loss, 0)
    torch.manual_seed(0)
    student, batch = image_data.network(Mlp(kind="mlp", hidden=(8,))), batch_of(image_data)
    logits, taught = student(batch.inputs)["logits"], teacher.network(batch.inputs)["logits"].detach()
    rows = list(
        zip(logits.detach().double().numpy(), taught.double().numpy(), batch.targets["label"].tolist(), strict=True)
    )
    assert terms["hard_loss"] == pytest.approx(-np.mean([log_probabilities(ours)[label] for ours, _, label in rows]))
    expected = float(np.mean([kl(ours, theirs, label, temperature, None) for ours, theirs, label in rows]))
    # A logarithm has 1e-7 in float32, which T^2 makes larger.
    assert terms["soft_loss"] == pytest.approx(expected, rel=1e-5, abs=1e-7 * max(10, temperature**2))
    assert terms["loss"] == pytest.approx(0.3 * terms["hard_loss"] + 0.7 * terms["soft_loss"], rel=1e-6)
    # Hinton, Vinyals and Dean 2015 (arXiv:1503.02531): d CE / dz = softmax(z) - onehot, d T^2 KL / dz = T * (p - q).
    soft, ours = (functional.softmax(side / temperature, dim=1) for side in (taught, logits.detach()))
    hard = functional.softmax(logits.detach(), dim=1) - functional.one_hot(batch.targets["label"], logits.shape[1])
    torch.autograd.backward(logits, (0.3 * hard + 0.7 * temperature * (ours - soft)) / len(logits))
    for one, parameter in zip(found, student.parameters(), strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(one, parameter.grad, rtol=1e-4, atol=1e-6)


def test_alpha_weighs_the_hard_label_and_the_rest_goes_to_all_objectives_together(
    image_data: PreparedData, teacher: Trained
) -> None:
    both = [{"kind": "kl", "weight": 2.0}, {"kind": "logit_mse", "weight": 0.5}]
    terms, _ = gradients(image_data, loss_of(image_data, teacher, alpha=0.25, objectives=both), 0)
    taught = 2.0 * terms["kl_loss"] + 0.5 * terms["logit_mse_loss"]
    assert terms["soft_loss"] == pytest.approx(taught, rel=1e-6)
    assert terms["loss"] == pytest.approx(0.25 * terms["hard_loss"] + 0.75 * taught, rel=1e-6)


def test_a_silent_soft_label_makes_the_others_no_louder(image_data: PreparedData, teacher: Trained) -> None:
    said = {"alpha": 0.0, "temperature": 1.0}
    every, _ = gradients(image_data, loss_of(image_data, teacher, **said), 0)
    some, _ = gradients(image_data, loss_of(image_data, teacher, confidence_threshold=0.9, **said), 0)
    assert 0 < some["soft_labels_selected"] < 1
    assert some["loss"] < every["loss"]


@pytest.mark.parametrize("mode", ["drop", "weight", "right"])
def test_a_threshold_above_every_confidence_silences_the_teacher(
    image_data: PreparedData, teacher: Trained, mode: str
) -> None:
    loss = loss_of(
        image_data,
        teacher,
        alpha=0.3,
        confidence_threshold=1.0,
        confidence_mode=mode,
        objectives=[{"kind": "kl"}, {"kind": "dist"}],
    )
    terms, found = gradients(image_data, loss, 0)
    assert terms["soft_labels_selected"] == 0.0
    assert terms["loss"] == pytest.approx(0.3 * terms["hard_loss"])
    assert all(torch.isfinite(gradient).all() for gradient in found)


def test_what_is_shown_of_a_kind_is_the_sum_of_its_objectives(image_data: PreparedData, teacher: Trained) -> None:
    layers = [{"student": "hidden1", "teacher": "hidden2"}]
    soft, similar = {"kind": "kl", "weight": 0.5}, {"kind": "similarity", "weight": 0.25, "layers": layers}
    params = Distill.model_validate({"alpha": 0.0, "objectives": [soft, soft, similar, similar]})
    student, source = (
        image_data.network(Mlp(kind="mlp", hidden=(8,))),
        LiveSoftLabels(teacher.network, image_data.losses),
    )
    loss = DistillationLoss(params, Training(epochs=4), source, student, teacher.network, image_data)
    terms = {
        name: float(value.detach()) for name, value in loss.weighed(student, batch_of(image_data), alpha=0.0).items()
    }
    assert terms["soft_loss"] == pytest.approx(0.5 * terms["kl_loss"])
    assert terms["loss"] == pytest.approx(terms["soft_loss"] + 0.25 * terms["similarity_loss"])
    assert terms["similarity_loss"] > 0


def test_nothing_reaches_the_teacher(image_data: PreparedData, teacher: Trained, tmp_path: Path) -> None:
    teacher.network.requires_grad_(requires_grad=True).zero_grad()
    gradients(image_data, loss_of(image_data, teacher), 0)
    assert all(parameter.grad is None for parameter in teacher.network.parameters())
