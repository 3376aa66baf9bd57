"""Which samples are new since an earlier data version, in whatever split: on two versions in a real DVC cache."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from params.pipeline import Recipe
from tasks.core.files import sha256_of
from tasks.data.fresh import fresh_samples
from tasks.data.versions.versioning import versioned_data
from tasks.data.versions.versions_store import CACHE, at_hand, cached

MakeRecipe = Callable[..., Recipe]


def test_samples_that_came_since_are_found_with_their_labels(image_recipe: Recipe, project: Path, images: Path) -> None:
    first = versioned_data(project, image_recipe)
    added = {}
    for seed, label in enumerate(("cat", "dog", "dog")):
        pixels = np.random.default_rng(100 + seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(images / label / f"later-{seed}.png")
        added[pixels.transpose(2, 0, 1).tobytes()] = label
    second = versioned_data(project, image_recipe)
    before, now = cached(project / CACHE, first.version), Path(second.directory)
    batches = list(fresh_samples(before, lambda name: now / name))
    found = {
        sample.tobytes(): first.targets.names[label]
        for inputs, targets in batches
        for sample, label in zip(inputs["inputs"], targets["label"], strict=True)
    }
    assert found == added
    assert all(inputs.keys() == {"inputs"} for inputs, _ in batches)
    assert list(fresh_samples(before, before)) == []


def test_an_earlier_version_is_at_hand_while_it_is_needed_though_newer_data_is_in_its_place(
    image_recipe: Recipe, project: Path, images: Path
) -> None:
    first = versioned_data(project, image_recipe)
    arrays = np.load(Path(first.directory, "test-00000.inputs.npy"))
    Image.fromarray(np.zeros((8, 8, 3), dtype=np.uint8)).save(images / "cat/later.png")
    second = versioned_data(project, image_recipe)
    assert second.version != first.version
    with at_hand(second, project / CACHE) as newer:
        assert newer == second
    with at_hand(first, project / CACHE) as earlier:
        assert sha256_of(Path(earlier.directory, "dataset.json")) == first.card_sha256
        assert np.array_equal(np.load(Path(earlier.directory, "test-00000.inputs.npy")), arrays)
        folder = Path(earlier.directory)
    assert not folder.exists()
    with at_hand(first, project / "no-cache") as nowhere:
        assert nowhere == first


def test_a_longer_sequence_makes_no_old_one_fresh(tmp_path: Path, project: Path, make_recipe: MakeRecipe) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    header = "@dimensions 2\n@classLabel true 0 1\n@data\n"
    for part, offset in (("train", 0), ("test", 100)):
        lines = [f"{offset + n},1:{n},2:{n % 2}" for n in range(12)]
        (folder / f"{part}.ts").write_text(header + "\n".join(lines) + "\n")
    reader = {"kind": "time_series", "train": "train.ts", "test": "test.ts"}
    rule = {"kind": "official", "validation": 0.2, "seed": 0}
    recipe = make_recipe({"kind": "folder", "path": str(folder)}, reader, split=rule)
    first = versioned_data(project, recipe)
    with (folder / "train.ts").open("a") as stream:
        stream.write("5,6,7,8:1,2,3,4:1\n")
    second = versioned_data(project, recipe)
    assert (first.input.shape, second.input.shape) == ((2, 2), (4, 2))
    now = Path(second.directory)
    (batch,) = fresh_samples(cached(project / CACHE, first.version), lambda name: now / name)
    inputs, targets = batch
    assert inputs["inputs"].tolist() == [[[5, 1], [6, 2], [7, 3], [8, 4]]]
    assert (inputs["lengths"].tolist(), targets["label"].tolist()) == ([4], [1])


def test_a_class_that_came_since_is_one_behind_the_last_that_was_known(
    image_recipe: Recipe, project: Path, images: Path
) -> None:
    first = versioned_data(project, image_recipe)
    (images / "bat").mkdir()
    for seed in range(3):
        pixels = np.random.default_rng(100 + seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(images / f"bat/{seed}.png")
    second = versioned_data(project, image_recipe)
    assert second.targets.names == ("bat", "cat", "dog")
    before, now = cached(project / CACHE, first.version), Path(second.directory)
    labels = np.concatenate([targets["label"] for _, targets in fresh_samples(before, lambda name: now / name)])
    assert labels.tolist() == [2, 2, 2]
