"""`init` for pictures with masks: a recipe that prepares, or one message that explains."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from params.pipeline import Recipe
from params.readers import ImageMasksReader
from tasks.core.errors import DataError, InputError
from tasks.data.fetch import fetch
from tasks.data.init.scaffold import understand
from tasks.data.prepared.prepare import prepare
from tasks.kinds.recipes import load_recipe
from tests.kinds.segmentation.conftest import save, stripes


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with an empty pipeline."""
    root = tmp_path / "project"
    (root / "params").mkdir(parents=True)
    (root / "dvc.yaml").write_text("vars:\n  - recipes: {}\nstages: {}\n")
    return root


def recipe_of(project: Path, images: Path, masks: Path) -> Recipe:
    """Returns the recipe that `init` writes, after a look at whether it prepares."""
    path = project / "params" / "own.yaml"
    path.write_text(understand(project, "own", images=images, masks=masks).recipe)
    recipe = load_recipe(path)
    fetch(recipe, project)
    prepare(recipe, project)
    return recipe


def reader_of(recipe: Recipe) -> ImageMasksReader:
    assert isinstance(recipe.data.reader, ImageMasksReader)
    return recipe.data.reader


def test_classes_are_named_by_place_and_255_is_none_of_them(project: Path, folder: Path) -> None:
    mask = stripes()
    mask[0] = 255
    save(folder / "masks/0.png", mask)
    reader = reader_of(recipe_of(project, folder / "images", folder / "masks"))
    assert reader.classes == {"class0": (0,), "class1": (1,), "class2": (2,)}
    assert reader.ignore == (255,)
    assert reader.size == (24, 32) or reader.size == (16, 32)


def test_a_mask_of_0_and_255_is_background_and_foreground_and_that_is_said(project: Path, folder: Path) -> None:
    for path in (folder / "masks").iterdir():
        save(path, np.where(np.asarray(Image.open(path)) == 1, np.uint8(255), np.uint8(0)))
    understood = understand(project, "own", images=folder / "images", masks=folder / "masks")
    assert any("If 255 means `unknown`" in note for note in understood.notes)
    reader = reader_of(recipe_of(project, folder / "images", folder / "masks"))
    assert reader.classes == {"background": (0,), "foreground": (255,)}


def test_smoothed_masks_are_explained(project: Path, folder: Path) -> None:
    for path in (folder / "masks").iterdir():
        image = Image.fromarray((np.asarray(Image.open(path)) > 0).astype(np.uint8) * 255)
        image.resize((300, 200), Image.Resampling.BICUBIC).save(path)
    with pytest.raises(DataError, match="shades of smoothed edges"):
        understand(project, "own", images=folder / "images", masks=folder / "masks")


def test_colours_become_classes(project: Path, folder: Path) -> None:
    colours = np.array([[128, 64, 128], [244, 35, 232], [0, 0, 0]], dtype=np.uint8)
    for path in (folder / "masks").iterdir():
        save(path, colours[np.asarray(Image.open(path))])
    reader = reader_of(recipe_of(project, folder / "images", folder / "masks"))
    assert reader.classes == {"class0": ("#000000",), "class1": ("#804080",), "class2": ("#f423e8",)}


def test_a_suffix_and_a_published_split_are_found(project: Path, folder: Path) -> None:
    for number in range(12):
        part = "train" if number < 8 else "test"
        for tree, suffix in (("images", ""), ("masks", "_mask")):
            target = folder / tree / part / f"{number}{suffix}.png"
            target.parent.mkdir(exist_ok=True)
            (folder / tree / f"{number}.png").rename(target)
    recipe = recipe_of(project, folder / "images", folder / "masks")
    reader = reader_of(recipe)
    assert reader.mask_suffix == "_mask"
    assert {part: one.masks for part, one in reader.splits.items()} == {"train": "masks/train", "test": "masks/test"}
    assert recipe.data.split.kind == "official"


def test_masks_without_pictures_of_their_names_are_told(project: Path, folder: Path) -> None:
    for path in (folder / "masks").iterdir():
        path.rename(path.with_name(f"other{path.name}"))
    with pytest.raises(DataError, match="at least 3 pairs of one name"):
        understand(project, "own", images=folder / "images", masks=folder / "masks")
    with pytest.raises(InputError, match="`--images PATH` beside it"):
        understand(project, "own", masks=folder / "masks")
