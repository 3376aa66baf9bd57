from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from params.distill import SoftLabelStore
from params.models import Architecture, Cnn, Mlp, ResNet
from params.student import Student
from params.training import Augment, Training
from tasks.contracts.records import DataSpec, ModelRecord, TeacherRecord
from tasks.core.errors import RecipeError
from tasks.core.files import sha256_of
from tasks.core.progress import silent
from tasks.core.record import Artefact
from tasks.distill import loss
from tasks.distill.baseline import train_alone
from tasks.distill.soft_labels.source import shared_forward
from tasks.distill.student import Distilled
from tasks.distill.teachers.load_teachers import open_teachers
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.distill.teachers.train import train
from tasks.models.build import Network
from tasks.models.weights import save_weights
from tasks.training.network import PreparedData, Trained

STUDENT = Student(
    architecture=Mlp(kind="mlp", hidden=(8,)), training=Training(epochs=8, batch_size=16, learning_rate=0.02)
)
CNN = Student(architecture=Cnn(kind="cnn", channels=(4, 8)), training=Training(epochs=2, learning_rate=0.02))
LAYERS = [{"student": "stage1", "teacher": "group1"}, {"student": "stage2", "teacher": "group2"}]


def nothing(_epoch: int, _metrics: object) -> None: ...


def of(trained: Trained, store: Path, **facts: Any) -> Teachers:
    return Teachers((LoadedTeacher(trained.network, "t", **facts),), "d", store)


def weights(trained: Trained) -> dict[str, torch.Tensor]:
    return trained.network.state_dict()


def equal(one: Trained, other: Trained) -> bool:
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())


def test_a_distilled_student_learns_and_its_soft_term_falls(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    done: Distilled = distilled(image_data, of(teacher, tmp_path), STUDENT, alpha=0.1)
    soft = [metrics["train_soft_loss"] for metrics in done.trained.fit.history]
    assert soft[-1] < soft[0] / 2
    assert done.trained.fit.best["validation_accuracy"] > 0.8
    assert done.warnings == ()


def recorded(trained: Trained, path: Path) -> TeacherRecord:
    """Returns a record of a teacher whose weights are in a file."""
    spec = trained.network.spec
    model = ModelRecord(
        role="teacher",
        architecture=trained.network.architecture,
        input=spec.input,
        task=spec.task,
        targets=spec.targets,
        weights=Artefact(uri=path.as_uri(), sha256=sha256_of(path), size=path.stat().st_size),
        parameters=1,
        data_version="v",
        validation=trained.fit.best,
        run_id="r",
        created=datetime.now(UTC),
    )
    return TeacherRecord(model=model)


def test_each_network_is_built_once(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    build = Network.__init__

    def counted(network: Network, body: nn.Module, architecture: Architecture, spec: DataSpec) -> None:
        built.append(architecture.kind)
        build(network, body, architecture, spec)

    monkeypatch.setattr(Network, "__init__", counted)
    save_weights(teacher.network, tmp_path / "teacher.safetensors")
    monkeypatch.setattr("tasks.distill.teachers.load_teachers.state_dir", lambda: tmp_path)
    teachers = open_teachers([recorded(teacher, tmp_path / "teacher.safetensors")], image_data, "d")
    hint = {"kind": "hint", "layers": [{"student": "stage1", "teacher": "hidden1"}]}
    distilled(image_data, teachers, CNN, objectives=[{"kind": "kl"}, hint])
    assert built == ["mlp", "cnn"]


def test_alpha_one_is_the_baseline_to_the_bit_though_the_checks_looked_at_the_student(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    alone = train_alone(STUDENT, image_data, 3, silent, nothing)
    # label smoothing of zero in the general case: the loss is the same sum, taken another way
    done = distilled(image_data, of(teacher, tmp_path), STUDENT, seed=3, alpha=1.0, objectives=[{"kind": "logit_mse"}])
    assert equal(done.trained, alone)


def test_the_checks_before_training_leave_no_trace(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = distilled(image_data, of(teacher, tmp_path / "1"), STUDENT, alpha=0.5).trained
    monkeypatch.setattr("tasks.distill.health.require_soft_gradient", lambda *_: None)
    monkeypatch.setattr("tasks.distill.health.score_on_what_the_student_sees", lambda *_: [])
    assert equal(checked, distilled(image_data, of(teacher, tmp_path / "2"), STUDENT, alpha=0.5).trained)


def test_the_same_seed_gives_the_same_student_from_a_cold_and_from_a_warm_cache(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    augment = {"views": 3, "steps": [{"kind": "shift", "pixels": 1}, {"kind": "noise", "std": 0.1}]}
    training = Training.model_validate({"epochs": 5, "batch_size": 16, "augment": augment})
    student = STUDENT.model_copy(update={"training": training})
    cold, warm = (distilled(image_data, of(teacher, tmp_path), student, alpha=0.2) for _ in range(2))
    assert equal(cold.trained, warm.trained)
    assert len(list(tmp_path.glob("*/key.json"))) == 3


@pytest.mark.parametrize(
    "objective",
    [
        {"kind": "hint", "layers": LAYERS},
        {"kind": "attention", "layers": LAYERS},
        {"kind": "similarity", "layers": LAYERS},
        {"kind": "relation", "layers": LAYERS},
        {"kind": "pkt", "layers": LAYERS},
        {"kind": "vid", "layers": LAYERS},
        {"kind": "crd", "layers": LAYERS[1:]},
        {"kind": "review", "layers": LAYERS},
    ],
    ids=lambda objective: objective["kind"],
)
def test_a_feature_objective_falls_and_leaves_nothing_in_the_student(
    image_data: PreparedData, tmp_path: Path, distilled: Any, objective: dict[str, Any]
) -> None:
    architecture = ResNet(kind="resnet", widths=(8, 16))
    teacher = train(architecture, Training(epochs=2, learning_rate=0.01), image_data, 0, silent, nothing)
    student = CNN.model_copy(update={"training": Training(epochs=6, learning_rate=0.02)})
    done = distilled(image_data, of(teacher, tmp_path), student, objectives=[{"kind": "kl"}, objective]).trained
    history = [metrics[f"train_{objective['kind']}_loss"] for metrics in done.fit.history]
    assert history[-1] < history[0]
    assert weights(done).keys() == weights(train_alone(CNN, image_data, 0, silent, nothing)).keys()
    assert not any(module._forward_hooks for module in done.network.modules())


@pytest.mark.parametrize(("megabytes", "stored"), [(4096, 2), (0, 0), (0.00144, 2), (0.00143, 0)])
def test_soft_labels_are_stored_unless_all_views_together_are_too_large(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any, megabytes: float, stored: int
) -> None:
    views = 2
    assert 2 * len(image_data.targets.names) * len(image_data.splits.train) * views == 1_440
    how = SoftLabelStore().model_copy(update={"most_megabytes": megabytes})
    augment = Augment.model_validate({"views": 5, "steps": [{"kind": "flip"}]})
    student = CNN.model_copy(update={"training": Training(epochs=views, augment=augment)})
    distilled(image_data, of(teacher, tmp_path), student, soft_labels=how)
    assert len([*tmp_path.glob("*/key.json")]) == stored


def test_a_live_teacher_answers_once_to_a_batch_for_its_soft_labels_and_its_layers(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hint = {"kind": "hint", "layers": [{"student": "stage2", "teacher": "hidden1"}]}

    def asked(objectives: list[dict[str, Any]]) -> tuple[int, Trained]:
        answers: list[object] = []
        handle = teacher.network.register_forward_hook(lambda *_: answers.append(None))
        done = distilled(image_data, of(teacher, tmp_path), CNN, objectives=objectives, soft_labels="live").trained
        handle.remove()
        return len(answers), done

    steps = CNN.training.epochs * -(-len(image_data.splits.train) // CNN.training.batch_size)
    soft_labels, _ = asked([{"kind": "kl"}])
    both, together = asked([{"kind": "kl"}, hint])
    assert both < soft_labels + steps / 2
    monkeypatch.setattr(loss, "shared_forward", lambda _source, network: shared_forward(None, network))
    each, apart = asked([{"kind": "kl"}, hint])
    assert each >= both + steps
    assert equal(together, apart)


@pytest.mark.parametrize("objective", ["kl", "reverse_kl", "symmetric_kl", "logit_mse", "dkd", "dist"])
@pytest.mark.parametrize("per", ["sequence", "step"])
def test_soft_labels_per_sequence_and_per_step_teach_a_recurrent_student(
    sequence_data: PreparedData, listener: Trained, tmp_path: Path, distilled: Any, objective: str, per: str
) -> None:
    from params.models import Recurrent

    student = Student(
        architecture=Recurrent(kind="gru", hidden=6), training=Training(epochs=2, batch_size=16, learning_rate=0.02)
    )
    done = distilled(
        sequence_data, of(listener, tmp_path), student, objectives=[{"kind": objective, "per": per}], alpha=0.2
    )
    soft = [metrics["train_soft_loss"] for metrics in done.trained.fit.history]
    assert soft[-1] < soft[0]


def test_an_ensemble_asks_every_teacher_and_each_has_soft_labels_of_its_own(
    image_data: PreparedData, tmp_path: Path, distilled: Any
) -> None:
    budget = Training(epochs=2, learning_rate=0.02)
    trained = [train(Mlp(kind="mlp", hidden=(16,)), budget, image_data, seed, silent, nothing) for seed in (0, 1)]
    teachers = tuple(
        LoadedTeacher(t.network, f"t{n}", weight, f"teacher {n}")
        for n, (t, weight) in enumerate(zip(trained, (1.0, 3.0), strict=True))
    )
    done = distilled(image_data, Teachers(teachers, "d", tmp_path), STUDENT, alpha=0.0)
    assert done.trained.fit.best["validation_accuracy"] > 0.7
    assert len(list(tmp_path.glob("*/key.json"))) == 2


def test_a_student_of_the_teachers_own_architecture_may_be_born_again(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    again = Student(architecture=Mlp(kind="mlp", hidden=(32, 32)), training=Training(epochs=5, learning_rate=0.02))
    done = distilled(image_data, of(teacher, tmp_path), again, alpha=0.0)
    assert done.trained.fit.best["validation_accuracy"] > 0.8


def test_a_student_may_start_from_its_teacher_and_knows_something_before_the_first_step(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    timid = Training(epochs=1, learning_rate=1e-9)
    student = Student.model_validate(
        {"architecture": Mlp(kind="mlp", hidden=(32, 32)), "training": timid, "init": {"kind": "teacher"}}
    )
    done = distilled(image_data, of(teacher, tmp_path), student)
    assert done.trained.fit.best["validation_accuracy"] == pytest.approx(
        teacher.fit.best["validation_accuracy"], abs=0.05
    )


def test_student_and_baseline_may_both_start_from_a_checkpoint(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    save_weights(teacher.network, tmp_path / "start.safetensors")
    student = Student.model_validate(
        {
            "architecture": Mlp(kind="mlp", hidden=(32, 32)),
            "training": Training(epochs=1, learning_rate=1e-9),
            "init": {"kind": "checkpoint", "weights": str(tmp_path / "start.safetensors")},
        }
    )
    for done in (
        distilled(image_data, of(teacher, tmp_path), student).trained,
        train_alone(student, image_data, 0, silent, nothing),
    ):
        assert done.fit.best["validation_accuracy"] > 0.8


def test_fine_tuning_goes_on_from_the_best_epoch_and_is_kept_only_where_it_helps(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    student = STUDENT.model_copy(update={"fine_tune": Training(epochs=3, batch_size=16, learning_rate=1e-3)})
    wrecked = STUDENT.model_copy(
        update={"fine_tune": Training(epochs=3, batch_size=16, learning_rate=50.0, warmup=0.0)}
    )
    plain = distilled(image_data, of(teacher, tmp_path), STUDENT).trained
    tuned, spoilt = (distilled(image_data, of(teacher, tmp_path), s).trained for s in (student, wrecked))
    assert len(tuned.fit.history) == 8 + 3
    assert tuned.fit.best["validation_accuracy"] >= plain.fit.best["validation_accuracy"]
    assert spoilt.fit.best["validation_accuracy"] >= plain.fit.best["validation_accuracy"]


def test_a_schedule_moves_alpha_and_weights_from_epoch_to_epoch(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    falling = {"start": 1.0, "end": 0.0}
    moving = distilled(image_data, of(teacher, tmp_path), STUDENT, alpha=falling).trained
    still = distilled(image_data, of(teacher, tmp_path), STUDENT, alpha=1.0).trained
    first = [trained.fit.history[0]["train_loss"] for trained in (moving, still)]
    assert first[0] == pytest.approx(first[1], rel=1e-6)
    last = moving.fit.history[-1]
    assert last["train_loss"] == pytest.approx(last["train_soft_loss"], rel=1e-5)


def test_an_unknown_layer_is_one_message_before_training_that_names_those_that_are_there(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    objective = {"kind": "hint", "layers": [{"student": "stage9", "teacher": "hidden1"}]}
    with pytest.raises(RecipeError, match=r"`stage2`.*got `stage9`"):
        distilled(image_data, of(teacher, tmp_path), CNN, objectives=[objective])


def test_bf16_learns_as_well_and_leaves_fp32_weights(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    training = STUDENT.training.model_copy(update={"precision": "bf16"})
    done = distilled(image_data, of(teacher, tmp_path), STUDENT.model_copy(update={"training": training})).trained
    assert done.fit.best["validation_accuracy"] > 0.8
    assert {value.dtype for value in weights(done).values() if value.is_floating_point()} == {torch.float32}
