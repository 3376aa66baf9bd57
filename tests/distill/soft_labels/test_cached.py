import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from params.training import Augment, Training
from tasks.core.errors import IntegrityError, StageError
from tasks.distill.soft_labels.cached import CachedSoftLabels, SoftLabelKey
from tasks.distill.soft_labels.source import Ensemble, LiveSoftLabels
from tasks.kinds.contract import Per
from tasks.training.augment import Augmenter
from tasks.training.batches import Batch, shuffled_batches
from tasks.training.network import PreparedData, Trained

KEY = SoftLabelKey("teacher", "data")
CPU = torch.device("cpu")
EVERY_STEP = {
    "views": 2,
    "steps": [
        {"kind": "flip", "vertical": True},
        {"kind": "dihedral"},
        {"kind": "shift", "pixels": 2},
        {"kind": "crop", "smallest": 0.7},
        {"kind": "levels"},
        {"kind": "noise", "std": 0.3},
    ],
}
Damage = Callable[[Path], object]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "soft-labels"


def augmenter(data: PreparedData, seed: int = 0, steps: dict[str, Any] = EVERY_STEP) -> Augmenter:
    found = data.augmenter(Training(epochs=1, augment=Augment.model_validate(steps)), seed)
    assert found is not None
    return found


def cache(
    data: PreparedData, trained: Trained, store: Path, key: SoftLabelKey = KEY, changes: Augmenter | None = None
) -> CachedSoftLabels:
    return CachedSoftLabels(trained.network, key, data.splits.train, data.losses, store, changes)


def epoch(data: PreparedData, number: int = 1, changes: Augmenter | None = None, size: int = 16) -> list[Batch]:
    return list(shuffled_batches(data.splits.train, size, 0, number, CPU, changes))


def views(store: Path) -> list[Path]:
    return sorted(path.parent for path in store.glob("*/key.json"))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_is_on_disk_is_what_the_live_teacher_says_of_the_very_samples_the_student_sees(
    image_data: PreparedData, teacher: Trained, store: Path, number: int
) -> None:
    changes = augmenter(image_data)
    stored, live = (
        cache(image_data, teacher, store, changes=changes),
        LiveSoftLabels(teacher.network, image_data.losses),
    )
    for batch in epoch(image_data, number, changes):
        torch.testing.assert_close(stored.at(batch), live.at(batch), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("per", ["sequence", "step"])
def test_sequences_are_kept_whole_or_frame_by_frame_with_zeros_behind_their_end(
    sequence_data: PreparedData, listener: Trained, store: Path, per: Per
) -> None:
    stored = cache(sequence_data, listener, store, SoftLabelKey("t", "d", per))
    live = LiveSoftLabels(listener.network, sequence_data.losses, per)
    for batch in epoch(sequence_data):
        torch.testing.assert_close(stored.at(batch), live.at(batch), rtol=2e-3, atol=2e-3)
        if per == "step":
            gone = torch.arange(batch.inputs["inputs"].shape[1]) >= batch.inputs["lengths"].unsqueeze(1)
            assert not stored.at(batch)["steps.logits"][gone].any()


def test_a_second_run_computes_nothing_and_asks_the_teacher_about_a_sample_only(
    image_data: PreparedData, teacher: Trained, store: Path
) -> None:
    asked: list[int] = []
    teacher.network.register_forward_hook(lambda _module, inputs, _output: asked.append(len(inputs[0]["inputs"])))
    first, second = (cache(image_data, teacher, store) for _ in range(2))
    first.at(epoch(image_data)[0])
    assert sum(asked) == len(image_data.splits.train) + 64
    asked.clear()
    second.at(epoch(image_data)[0])
    assert asked == [64]
    assert [(r.reused, r.computed) for r in (*first.reports, *second.reports)] == [(0, 1), (1, 0)]
    assert second.reports[0].bytes_per_sample == 2 * len(image_data.targets.names)


def test_any_other_ingredient_is_another_folder(image_data: PreparedData, teacher: Trained, store: Path) -> None:
    keys = [
        (KEY, None),
        (SoftLabelKey("retrained", "data"), None),
        (SoftLabelKey("teacher", "changed"), None),
        (SoftLabelKey("teacher", "data", top=2), None),
        (KEY, augmenter(image_data)),
        (KEY, augmenter(image_data, seed=1)),
        (KEY, augmenter(image_data, steps={"steps": [{"kind": "flip"}]})),
    ]
    for key, changes in keys:
        cache(image_data, teacher, store, key, changes).at(epoch(image_data, 1, changes)[0])
    assert len(views(store)) == len(keys)


def test_a_view_that_comes_again_is_found_again(image_data: PreparedData, teacher: Trained, store: Path) -> None:
    changes = augmenter(image_data)
    stored = cache(image_data, teacher, store, changes=changes)
    for number in (1, 2, 3, 4):
        stored.at(epoch(image_data, number, changes)[0])
    assert len(views(store)) == 2
    assert stored.reports[0].views == 2


def test_soft_labels_of_another_teacher_stop_the_run_though_the_key_says_they_fit(
    image_data: PreparedData, teacher: Trained, store: Path
) -> None:
    cache(image_data, teacher, store).at(epoch(image_data)[0])
    with torch.no_grad():
        for parameter in teacher.network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    with pytest.raises(IntegrityError, match=r"cosine of at least 0\.9999.*remove the folder"):
        cache(image_data, teacher, store).at(epoch(image_data)[0])


def test_soft_labels_in_another_order_stop_the_run(image_data: PreparedData, teacher: Trained, store: Path) -> None:
    cache(image_data, teacher, store).at(epoch(image_data)[0])
    file = views(store)[0] / "logits.npy"
    np.save(file, np.load(file)[::-1])
    with pytest.raises(IntegrityError, match="cosine"):
        cache(image_data, teacher, store).at(epoch(image_data)[0])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: _cut(folder / "logits.npy", 100), "logits.npy.*a whole array of float16.*got"),
        (lambda folder: _cut(folder / "logits.npy", 20), "logits.npy.*a whole array of float16.*got"),
        (lambda folder: _cut(folder / "logits.npy", 0), "logits.npy.*a whole array of float16.*got"),
        (lambda folder: (folder / "logits.npy").write_bytes(b"hello"), "logits.npy.*a whole array of float16.*got"),
        (lambda folder: (folder / "logits.npy").open("ab").write(b"more"), "float16.*and nothing more"),
        (lambda folder: np.save(folder / "logits.npy", np.zeros((3, 3), "<f2")), "float16.*and nothing more"),
        (lambda folder: (folder / "logits.npy").unlink(), "logits.npy.*a whole array"),
        (lambda folder: (folder / "key.json").unlink(), "key.json.*the key"),
        (lambda folder: (folder / "key.json").write_text("{"), "key.json.*the key"),
        (lambda folder: (folder / "key.json").write_text("{}"), "key.json.*the key that the folder is named by"),
    ],
)
def test_damaged_soft_labels_are_one_message_that_names_the_file_and_what_to_do(
    image_data: PreparedData, teacher: Trained, store: Path, damage: Damage, said: str
) -> None:
    cache(image_data, teacher, store).at(epoch(image_data)[0])
    (folder,) = views(store)
    damage(folder)
    with pytest.raises(IntegrityError, match=said) as caught:
        cache(image_data, teacher, store).at(epoch(image_data)[0])
    assert f"remove the folder `{folder}`" in str(caught.value)
    assert "\n" not in str(caught.value)
    shutil.rmtree(folder)
    cache(image_data, teacher, store).at(epoch(image_data)[0])


def test_a_teacher_that_says_nothing_finite_leaves_no_soft_labels_behind(
    image_data: PreparedData, teacher: Trained, store: Path
) -> None:
    with torch.no_grad():
        next(iter(teacher.network.parameters())).fill_(float("nan"))
    with pytest.raises(StageError, match="finite"):
        cache(image_data, teacher, store).at(epoch(image_data)[0])
    assert not [path for path in store.iterdir() if path.name != ".locks"]


def test_what_a_killed_run_left_is_cleared_and_never_taken(
    image_data: PreparedData, teacher: Trained, store: Path
) -> None:
    stored = cache(image_data, teacher, store)
    stored.at(epoch(image_data)[0])
    folder = views(store)[0]
    folder.rename(folder.with_name(f".{folder.name}.0badcafe"))
    cache(image_data, teacher, store).at(epoch(image_data)[0])
    assert views(store) == [folder]


@pytest.mark.parametrize("temperature", [1.0])
def test_of_the_top_classes_the_probabilities_stay_and_the_rest_is_spread_evenly(
    image_data: PreparedData, teacher: Trained, store: Path, temperature: float
) -> None:
    batch = epoch(image_data)[0]
    whole = LiveSoftLabels(teacher.network, image_data.losses).at(batch)["logits"].div(temperature).softmax(dim=1)
    kept = cache(image_data, teacher, store, SoftLabelKey("t", "d", top=1)).at(batch)["logits"].softmax(dim=1)
    torch.testing.assert_close(kept.amax(dim=1), whole.amax(dim=1), rtol=5e-3, atol=5e-3)
    others = kept.scatter(1, kept.argmax(dim=1, keepdim=True), 0).sort(dim=1).values[:, 1:]
    torch.testing.assert_close(others[:, 0], others[:, 1])
    assert (views(store)[0] / "logits.top-places.npy").is_file()


def test_an_ensemble_is_the_weighted_mean_whether_its_members_are_on_disk_or_live(
    image_data: PreparedData, teacher: Trained, store: Path
) -> None:
    other = LiveSoftLabels(image_data.network(teacher.network.architecture), image_data.losses)
    live, stored = LiveSoftLabels(teacher.network, image_data.losses), cache(image_data, teacher, store)
    for batch in epoch(image_data):
        expected = {"logits": (3 * live.at(batch)["logits"] + other.at(batch)["logits"]) / 4}
        for first in (live, stored):
            said = Ensemble([first, other], [3.0, 1.0], image_data.losses).at(batch)
            torch.testing.assert_close(said, expected, rtol=2e-3, atol=2e-3)


def _cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])
