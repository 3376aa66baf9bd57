from pathlib import Path

import pytest
import yaml

from tasks.contracts.records import UNLABELLED, DatasetCard
from tasks.core.errors import InputError
from tasks.data.fetch import fetch
from tasks.data.init.scaffold import understand, write_recipe
from tasks.data.prepared.prepare import prepare
from tasks.kinds.recipes import load_recipe

ROOT = Path(__file__).parents[2]


@pytest.fixture
def real(project: Path) -> Path:
    """A project with the `dvc.yaml` of the repository, comments and all."""
    (project / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    return project


def prepared(project: Path, name: str) -> DatasetCard:
    recipe = load_recipe(project / "params" / f"{name}.yaml")
    fetch(recipe, project)
    prepare(recipe, project)
    return DatasetCard.model_validate_json((project / "data" / name / "prepared/dataset.json").read_text())


def test_a_folder_inside_that_of_the_classes_holds_pictures_without_labels(real: Path, images: Path) -> None:
    more = images / "unlabelled"
    more.mkdir()
    for number in range(4):
        (images / "cat" / f"{number}.png").rename(more / f"{number}.png")
    understood = understand(real, "pets", images=images, unlabelled=more)
    assert understood.notes[-1] == f"4 files without labels in `{more}`: only the teacher tells about them."
    write_recipe(real, "pets", understood.recipe)
    assert load_recipe(real / "params/pets.yaml").distill.unlabelled_share == 0.5
    card = prepared(real, "pets")
    assert card.splits[UNLABELLED].samples == 4
    assert card.targets.names == ("cat", "dog")
    listed = yaml.safe_load((real / "dvc.yaml").read_text())["vars"][0]["recipes"]["pets"]
    assert listed == {"source": str(images)}


def test_rows_without_labels_are_a_second_file(real: Path, table: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.csv"
    more.write_text("width,height,colour\n70,1.5,a\n71,2.5,b\n")
    write_recipe(real, "rows", understand(real, "rows", table=table, label="label", unlabelled=more).recipe)
    assert prepared(real, "rows").splits[UNLABELLED].samples == 2


def test_what_is_not_there_is_named(real: Path, images: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="`--unlabelled`: expected a folder or a file, got nothing at"):
        understand(real, "pets", images=images, unlabelled=tmp_path / "gone")
    with pytest.raises(InputError, match="`--unlabelled`: expected files, got an empty folder"):
        understand(real, "pets", images=images, unlabelled=tmp_path / "empty")
