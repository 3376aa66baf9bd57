import pytest

from params.distill import Distill
from params.models import Mlp
from params.student import Peer, Student
from params.training import Training
from tasks.core.errors import RecipeError
from tasks.core.progress import silent
from tasks.distill.mutual import Together, learn_together
from tasks.training.network import PreparedData

STUDENT = Student(
    architecture=Mlp(kind="mlp", hidden=(8,)), training=Training(epochs=6, batch_size=16, learning_rate=0.02)
)
PEER = Peer(architecture=Mlp(kind="mlp", hidden=(12,)))


def learned(data: PreparedData, **said: object) -> Together:
    params = Distill.model_validate({"alpha": 0.5, "temperature": 1.0} | said)
    return learn_together(STUDENT, PEER, params, data, 0, silent, lambda _epoch, _metrics: None)


def test_two_students_without_a_teacher_both_learn(image_data: PreparedData) -> None:
    both = learned(image_data)
    assert both.student.fit.best["validation_accuracy"] > 0.8
    assert both.peer.fit.best["validation_accuracy"] > 0.8


def test_they_come_to_agree_more_than_two_that_do_not_listen(image_data: PreparedData) -> None:
    def distance(alpha: float) -> float:
        history = learned(image_data, alpha=alpha).student.fit.history
        return sum(metrics["train_soft_loss"] for metrics in history)

    assert distance(0.5) < distance(1.0) / 2


def test_the_student_that_ships_has_nothing_of_its_peer(image_data: PreparedData) -> None:
    names = learned(image_data).student.network.state_dict().keys()
    assert names == image_data.network(STUDENT.architecture).state_dict().keys()


def test_an_objective_that_needs_a_teachers_layers_is_refused(image_data: PreparedData) -> None:
    hint = {"kind": "hint", "layers": [{"student": "hidden1", "teacher": "hidden1"}]}
    with pytest.raises(RecipeError, match=r"distill\.objectives\.hint"):
        learned(image_data, objectives=[{"kind": "kl"}, hint])
