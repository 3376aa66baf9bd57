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
        save(folder / "images" / path.name, np.zeros((200, 300, 3), dtype=np.uint8))
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


def test_shades_of_masks_made_half_as_large_are_explained_though_they_are_few(project: Path, folder: Path) -> None:
    rows, columns = np.mgrid[:40, :60]
    disc = Image.fromarray((np.hypot(rows - 19, columns - 31) < 13.3).astype(np.uint8) * 255)
    halved = np.asarray(disc.resize((30, 20), Image.Resampling.BOX))
    assert len(np.unique(halved)) == 5
    for path in (folder / "masks").iterdir():
        save(path, halved)
    with pytest.raises(DataError, match="5 values, the most frequent being 0 and 255; these are shades"):
        understand(project, "own", images=folder / "images", masks=folder / "masks")


def test_levels_that_fill_areas_are_classes(project: Path, folder: Path) -> None:
    for path in (folder / "masks").iterdir():
        save(path, np.asarray(Image.open(path)) * 127)
    assert reader_of(recipe_of(project, folder / "images", folder / "masks")).classes == {
        "class0": (0,),
        "class1": (127,),
        "class2": (254,),
    }


def test_masks_of_one_class_are_refused_before_a_recipe_is_written(project: Path, folder: Path) -> None:
    for path in (folder / "masks").iterdir():
        save(path, np.full((20, 30), 7, dtype=np.uint8))
    with pytest.raises(DataError, match="two classes or more, got 7 alone in the 12 that were looked at"):
        understand(project, "own", images=folder / "images", masks=folder / "masks")


def test_what_has_no_partner_two_or_another_size_is_named(project: Path, folder: Path) -> None:
    (folder / "masks/1.png").unlink()
    (folder / "images/2.png").unlink()
    Image.open(folder / "images/3.png").save(folder / "images/3.bmp")
    save(folder / "masks/4.png", stripes()[::2, ::2])
    said = "\n".join(understand(project, "own", images=folder / "images", masks=folder / "masks").notes)
    assert "Pairs: 9 pictures" in said
    assert "Pictures without a mask: 1 (`images/1.png`)" in said
    assert "Masks without a picture: 1 (`masks/2.png`)" in said
    assert "Of one name, but for the extension: 2 (`images/3.bmp`, `images/3.png`)" in said
    assert "another size than their picture: 1 (`4.png` is 15 x 10, its picture 30 x 20)" in said


def test_masks_of_another_size_throughout_are_refused_by_name(project: Path, folder: Path) -> None:
    for path in (folder / "masks").iterdir():
        save(path, np.asarray(Image.open(path))[::2, ::2])
    with pytest.raises(DataError, match="a mask of the size of its picture, 30 x 20, got 15 x 10"):
        understand(project, "own", images=folder / "images", masks=folder / "masks")


def test_masks_may_lie_in_the_folder_of_the_pictures(project: Path, folder: Path) -> None:
    (folder / "masks").rename(folder / "images" / "masks")
    understood = understand(project, "own", images=folder / "images", masks=folder / "images" / "masks")
    assert not any("without" in note for note in understood.notes)
    assert 'masks: "masks"' in understood.recipe


def test_a_path_may_lead_upwards(project: Path, folder: Path) -> None:
    around = folder / "images" / ".." / "masks"
    reader = reader_of(recipe_of(project, folder / "images", around))
    assert (reader.images, reader.masks) == ("images", "masks")


def test_a_coco_file_is_not_taken_for_a_folder(project: Path, folder: Path) -> None:
    (folder / "all.json").write_text("{}")
    with pytest.raises(DataError, match="kind: coco_masks"):
        understand(project, "own", images=folder / "images", masks=folder / "all.json")
