import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from params.compress import Target
from params.evaluate import Evaluate, Latency
from params.models import Architecture, Mlp, Recurrent
from tasks.contracts.scores import BatchTiming
from tasks.core.errors import IntegrityError, StageError
from tasks.core.progress import Advance, silent
from tasks.evaluate.evaluate import Evaluation, evaluate
from tasks.evaluate.model_under_test import ModelUnderTest, export_model
from tasks.evaluate.numbers import write_numbers
from tasks.evaluate.timing import footprints
from tasks.kinds.contract import LossPart, part
from tasks.models.build import Network, build_model
from tasks.training.arrays import open_split, read_card
from tasks.training.heads import total
from tasks.training.network import PreparedData
from tasks.training.predict import predict, side_by_side

PARAMS = Evaluate(resamples=200, latency=Latency(warmup=1, repeats=10, batch_size=2))
Models = dict[str, ModelUnderTest]


def trained(architecture: Architecture, data: Path, steps: int, seed: int) -> Network:
    card, train = read_card(data), open_split(data, "train")
    torch.manual_seed(seed)
    model = build_model(architecture, card.spec)
    batch = train.gather(np.arange(len(train)))
    inputs = {name: torch.from_numpy(values) for name, values in batch.inputs.items()}
    targets = {name: torch.from_numpy(column) for name, column in batch.targets.columns.items()}
    losses = part(card.task, "loss", LossPart)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        total(losses.losses(model(inputs), targets, card.targets, 0.0)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.eval()


@pytest.fixture
def enter(tmp_path: Path) -> Callable[..., ModelUnderTest]:
    def make(name: str, data: Path, hidden: int, steps: int) -> ModelUnderTest:
        spec = read_card(data).input
        recurrent = spec.layout == "sequence"
        architecture = Recurrent(kind="lstm", hidden=hidden) if recurrent else Mlp(kind="mlp", hidden=(hidden,))
        return export_model(trained(architecture, data, steps, hidden), tmp_path / f"{name}.onnx", seed=0)

    return make


def judged(data: Path, models: Models, advance: Advance = silent) -> Evaluation:
    return evaluate(PARAMS, models, PreparedData.open_folder(data), Target(), seed=0, advance=advance)


@pytest.mark.parametrize("data", ["tiny_images", "tiny_sequences"])
def test_all_models_are_judged_on_the_same_test_split(
    data: str, request: pytest.FixtureRequest, enter: Callable[..., ModelUnderTest]
) -> None:
    directory: Path = request.getfixturevalue(data)
    models = {
        "teacher": enter("teacher", directory, 12, 40),
        "baseline": enter("baseline", directory, 3, 2),
        "student": enter("student", directory, 4, 40),
    }
    models["fp32"] = models["student"]
    steps: list[tuple[int, int, str]] = []
    evaluation = judged(directory, models, lambda *step: steps.append(step))
    assert [score.name for score in evaluation.scores] == list(models)
    teacher, baseline, student, shipped = evaluation.scores
    assert teacher.agreement.low == 1
    assert student.metrics == shipped.metrics
    assert evaluation.gains["accuracy"].value == pytest.approx(student.values["accuracy"] - baseline.values["accuracy"])
    assert evaluation.gains.keys() == {"accuracy", "macro_recall", "macro_f1", "calibration_error", "loss"}
    for score in evaluation.scores:
        for interval in (*(score.metrics[name] for name in score.metrics if name != "loss"), score.agreement):
            assert 0 <= interval.low <= interval.value <= interval.high <= 1
        assert score.parity < 1e-4
        assert 0 < score.p50_ms <= score.p95_ms <= score.p99_ms
        assert (score.batch.batch_size, score.batch.p50_ms > 0) == (2, True)
        assert score.footprint is not None
        assert score.footprint.load_ms > 0
        assert 10e6 < score.footprint.peak_bytes < 200e6  # Python, numpy and ONNX Runtime; torch alone has more
        assert sum(score.support.values()) == 90
    assert steps[-1][:2] == (90, 90)


def test_further_heads_are_judged_by_their_accuracy_and_leave_the_first_alone(tiny_heads: Path, tmp_path: Path) -> None:
    card, test = read_card(tiny_heads), open_split(tiny_heads, "test")
    network = trained(Mlp(kind="mlp", hidden=(16,)), tiny_heads, 60, seed=0)
    model = export_model(network, tmp_path / "own.onnx", seed=0)
    evaluation = judged(tiny_heads, dict.fromkeys(("teacher", "baseline", "student"), model))
    score, logits = evaluation.scores[0], side_by_side(predict(network, test))
    assert logits.shape == (90, 5)
    assert score.values["accuracy"] == float(np.mean(logits[:, :3].argmax(axis=1) == test.targets()["label"]))
    assert {name for name in score.metrics if name.startswith("right/")} == {"right/half"}
    assert score.values["right/half"] == float(np.mean(logits[:, 3:].argmax(axis=1) == test.targets()["half"]))
    assert score.metrics["right/half"].low > 0.8
    assert [*score.support] == list(card.targets.names)


def test_the_commonest_class_of_the_training_split_is_judged_on_the_same_samples(
    tiny_images: Path, enter: Callable[..., ModelUnderTest]
) -> None:
    good, untrained = enter("good", tiny_images, 12, 40), enter("untrained", tiny_images, 3, 0)
    labels = {name: open_split(tiny_images, name).targets()["label"] for name in ("train", "test")}
    commonest = np.bincount(labels["train"]).argmax()
    evaluation = judged(tiny_images, {"teacher": good, "baseline": good, "student": untrained})
    constant, student = evaluation.constant, evaluation.scores[2]
    assert constant.words == f"always answering {read_card(tiny_images).targets.names[commonest]}"
    assert constant.metrics["accuracy"].value == float(np.mean(labels["test"] == commonest))
    assert constant.metrics["accuracy"].low < constant.metrics["accuracy"].value < constant.metrics["accuracy"].high
    difference = student.values["accuracy"] - constant.metrics["accuracy"].value
    assert constant.gains["accuracy"].value == pytest.approx(difference)
    assert "constant" not in evaluation.evidence
    assert any("not better than always answering" in note for note in evaluation.notes)
    fine = judged(tiny_images, {"teacher": good, "baseline": untrained, "student": good})
    assert fine.constant.gains["accuracy"].low > 0
    assert not any("always answering" in note for note in fine.notes)


def test_accuracy_is_that_of_the_torch_network(tiny_images: Path, tmp_path: Path) -> None:
    test = open_split(tiny_images, "test")
    network = trained(Mlp(kind="mlp", hidden=(4,)), tiny_images, 5, seed=0)
    model = export_model(network, tmp_path / "own.onnx", seed=0)
    accuracy = float(np.mean(side_by_side(predict(network, test)).argmax(axis=1) == test.targets()["label"]))
    evaluation = judged(tiny_images, dict.fromkeys(("teacher", "baseline", "student"), model))
    assert evaluation.scores[0].values["accuracy"] == accuracy
    assert evaluation.gains["accuracy"].value == 0


def test_numbers_but_latencies_are_equal_at_every_run(
    tiny_sequences: Path, enter: Callable[..., ModelUnderTest]
) -> None:
    models = dict.fromkeys(("teacher", "baseline", "student"), enter("any", tiny_sequences, 3, 3))
    times = {"p50_ms": 0, "p95_ms": 0, "p99_ms": 0, "batch": BatchTiming(batch_size=2, p50_ms=0), "footprint": None}
    runs = [[score.model_copy(update=times) for score in judged(tiny_sequences, models).scores] for _ in range(2)]
    assert runs[0] == runs[1]


def test_student_worse_than_its_baseline_and_larger_than_its_teacher_is_said(
    tiny_images: Path, enter: Callable[..., ModelUnderTest]
) -> None:
    good, bad = enter("good", tiny_images, 4, 60), enter("bad", tiny_images, 6, 0)
    notes = judged(tiny_images, {"teacher": good, "baseline": good, "student": bad}).notes
    assert any("worse than its baseline" in note for note in notes)
    assert any("not smaller than its teacher" in note for note in notes)


def test_file_changed_after_it_was_recorded_is_not_judged(
    tiny_images: Path, enter: Callable[..., ModelUnderTest]
) -> None:
    model = enter("any", tiny_images, 3, 0)
    model.path.write_bytes(model.path.read_bytes() + b"\0")
    with pytest.raises(IntegrityError, match="expected sha256"):
        judged(tiny_images, dict.fromkeys(("teacher", "baseline", "student"), model))


def test_missing_baseline_is_refused(tiny_images: Path, enter: Callable[..., ModelUnderTest]) -> None:
    model = enter("any", tiny_images, 3, 0)
    with pytest.raises(StageError, match="`baseline` among them"):
        judged(tiny_images, {"teacher": model, "student": model})


def test_numbers_of_every_model_are_written_and_which_one_ships(
    tiny_images: Path, tmp_path: Path, enter: Callable[..., ModelUnderTest]
) -> None:
    model = enter("any", tiny_images, 3, 0)
    evaluation = judged(tiny_images, dict.fromkeys(("teacher", "baseline", "student", "fp32"), model))
    content = json.loads(write_numbers(evaluation, "fp32", tmp_path).read_text())
    assert content["chosen"] == "fp32"
    assert [score["name"] for score in content["scores"]] == ["teacher", "baseline", "student", "fp32"]
    assert content["scores"][3] == evaluation.scores[3].model_dump(mode="json")


def test_a_model_that_does_not_load_by_itself_is_named(tiny_images: Path, enter: Callable[..., ModelUnderTest]) -> None:
    good = enter("any", tiny_images, 3, 0)
    bad = tiny_images.parent / "bad.onnx"
    bad.write_bytes(b"no model")
    sample = open_split(tiny_images, "test").gather(np.arange(1))
    with pytest.raises(StageError, match=r"`evaluate`: `broken`: expected a model that loads.*ModelError"):
        footprints({"good": good, "broken": replace(good, path=bad)}, sample, threads=1)
