"""The same teacher as weights, ONNX, answers and a program: equal soft labels, and so equal students."""

from typing import Any

import numpy as np
import pytest
import torch

from params.models import Mlp
from params.student import Student
from params.training import Training
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers

FORMS = ("weights", "onnx", "bare onnx", "csv", "parquet", "npy", "command")
STUDENT = Student(architecture=Mlp(kind="mlp", hidden=(8,)), training=Training(epochs=3, learning_rate=0.02))


def made(world: Any, form: str) -> Any:
    match form:
        case "weights":
            return world.make(**world.weights())
        case "onnx":
            return world.make(**world.onnx())
        case "bare onnx":
            world.bare_onnx(batch=4)
            return world.make(kind="onnx", file="bare.onnx", normalise=world.weights()["normalise"])
        case "csv":
            world.table().to_csv(world.folder / "answers.csv", index=False)
        case "parquet":
            world.table().to_parquet(world.folder / "answers.parquet", index=False)
        case "npy":
            table = world.table()
            np.save(world.folder / "answers.npy", table.drop(columns="id").to_numpy())
            (world.folder / "ids.txt").write_text("\n".join(table.id) + "\n")
            return world.make(kind="answers", file="answers.npy", ids="ids.txt", gives="logits")
        case "command":
            return world.make(**world.program())
    return world.make(kind="answers", file=f"answers.{form}", gives="logits")


@pytest.mark.parametrize("form", FORMS)
def test_a_teacher_answers_alike_in_every_form_and_its_student_learns_the_same(
    world: Any, form: str, distilled: Any
) -> None:
    found, students = made(world, form).network, []
    for split in ("train", "validation", "test"):
        assert np.abs(world.logits(found, split) - world.logits(world.network, split)).max() < 1e-5
    for name, network in (("here", world.network), (form, found)):
        teachers = Teachers((LoadedTeacher(network, name),), "d", world.folder / "soft-labels")
        students.append(distilled(world.data, teachers, STUDENT, alpha=0.0).trained.network.state_dict())
    ours, theirs = students
    # Soft labels are stored in 16 bits: a difference in the seventh digit may round to the next one.
    assert all(torch.allclose(ours[name], theirs[name], atol=2e-3) for name in ours)


def test_probabilities_teach_what_their_logits_do(world: Any) -> None:
    table = world.table().set_index("id")
    raised = np.exp(table - table.max(axis=1).to_numpy()[:, None])
    (raised / raised.sum(axis=1).to_numpy()[:, None]).reset_index().to_parquet(world.folder / "p.parquet")
    found = world.logits(world.make(kind="answers", file="p.parquet").network)
    ours = world.logits(world.network)
    shifted = ours - np.log(np.exp(ours).sum(axis=1, keepdims=True))
    assert np.abs(found - np.maximum(shifted, np.log(1e-7))).max() < 1e-4
