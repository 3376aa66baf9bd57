"""`init` for pictures by identity: a recipe whose split leaves enough of them in each part; or one message."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tasks.core.errors import DataError, InputError
from tasks.data.fetch import fetch
from tasks.data.init.scaffold import understand, write_recipe
from tasks.data.init.understanding import Understanding
from tasks.data.prepared.prepare import prepare
from tasks.data.readers.picture import NO_PICTURE
from tasks.kinds.recipes import load_recipe

ROOT = Path(__file__).parents[2]
SIDE = 40
NAMES = [f"part-{number:02}" for number in range(30)]


@pytest.fixture
def real(project: Path) -> Path:
    """A project with the `dvc.yaml` of the repository."""
    (project / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    return project


def pictures(folder: Path, counts: Mapping[str, int], side: int = SIDE) -> Path:
    """Writes so many pictures, no two alike, into each folder."""
    pixels = np.random.default_rng([*map(ord, str(folder))])
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            values = pixels.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(values).save(folder / name / f"{number}.png")
    return folder


def understood(project: Path, folder: Path) -> tuple[dict[str, Any], Understanding]:
    """Returns the section `data` of the recipe, and all that `init` tells."""
    found = understand(project, "parts", identities=folder)
    return yaml.safe_load(found.recipe)["data"], found


def test_the_parts_are_those_that_the_recipe_prepares(real: Path, tmp_path: Path) -> None:
    own = pictures(tmp_path / "own", {**dict.fromkeys(NAMES, 2), "once": 1, "too": 1})
    (own / "once" / "notes.txt").write_text("of 2026")
    data, found = understood(real, own)
    assert data["task"] == "embedding"
    assert data["split"]["kind"] == "grouped"
    assert data["reader"] == {"kind": "image_folder", "size": [32, 32], "channels": 3}
    assert f"Left out: 1 files: 1 {NO_PICTURE}." in found.notes
    assert any(note.startswith("2 identities have one picture") for note in found.notes)
    recipe = load_recipe(write_recipe(real, "parts", found.recipe)[0])
    fetch(recipe, real)
    prepare(recipe, real)
    card = yaml.safe_load((real / "data/parts/prepared/dataset.json").read_text())
    told = {part: int(pictures) for part, _, _, pictures in found.rows}
    assert {part: sum(shard["samples"] for shard in card["splits"][part]["shards"]) for part in told} == told
    assert {part: int(several) >= 4 for part, _, several, _ in found.rows} == dict.fromkeys(told, True)


def test_a_seed_is_found_that_leaves_few_identities_in_each_part(project: Path, tmp_path: Path) -> None:
    data, found = understood(project, pictures(tmp_path / "own", dict.fromkeys(NAMES[:12], 2)))
    assert [int(several) for _, _, several, _ in found.rows] == [4, 4, 4]
    assert data["split"]["seed"] > 0


def test_too_few_identities_of_two_pictures_are_refused_with_their_number(project: Path, tmp_path: Path) -> None:
    own = pictures(tmp_path / "own", {**dict.fromkeys(NAMES[:11], 2), "once": 1})
    with pytest.raises(DataError, match="12 identities of two pictures or more, got 11, and 1 of one"):
        understood(project, own)


def test_identities_one_folder_too_deep_are_pointed_to(project: Path, tmp_path: Path) -> None:
    own = pictures(tmp_path / "own/people", dict.fromkeys(NAMES[:12], 2)).parent
    with pytest.raises(DataError, match=r"got 1; are the folders of identities in `people`\? Then give `--ident"):
        understood(project, own)


def test_a_published_split_needs_a_part_that_chooses(project: Path, tmp_path: Path) -> None:
    pictures(tmp_path / "own/train", dict.fromkeys(NAMES[:8], 2))
    own = pictures(tmp_path / "own/test", dict.fromkeys(NAMES[8:12], 2)).parent
    with pytest.raises(DataError, match="expected folders `train`, `validation` and `test`, got `train` and `test`"):
        understood(project, own)
    pictures(own / "val", dict.fromkeys(NAMES[12:15], 2))
    with pytest.raises(DataError, match="got 8 in train, 3 in validation, 4 in test"):
        understood(project, own)
    pictures(own / "val" / "..", {"val/more": 2})
    data, found = understood(project, own)
    assert data["split"]["kind"] == "official"
    assert data["reader"]["splits"] == {"train": "train", "validation": "val", "test": "test"}
    assert found.rows == (("train", "8", "8", "16"), ("validation", "4", "4", "8"), ("test", "4", "4", "8"))


def test_an_identity_in_two_parts_is_refused_by_name(project: Path, tmp_path: Path) -> None:
    pictures(tmp_path / "own/train", dict.fromkeys(NAMES[:8], 2))
    pictures(tmp_path / "own/validation", dict.fromkeys(NAMES[8:12], 2))
    own = pictures(tmp_path / "own/test", dict.fromkeys(NAMES[11:15], 2)).parent
    with pytest.raises(DataError, match="expected each identity in one part of the split, got 1 in several: `part-11`"):
        understood(project, own)


def test_what_the_reader_would_refuse_is_refused(project: Path, tmp_path: Path) -> None:
    own = pictures(tmp_path / "own", dict.fromkeys(NAMES[:12], 2))
    (own / "empty").mkdir()
    with pytest.raises(DataError, match="got none in 1 folders: `empty`; put pictures there"):
        understood(project, own)
    (own / "empty").rmdir()
    (own / NAMES[0] / "0.png").rename(own / "beside.png")
    with pytest.raises(DataError, match="got 1 beside the folders: `beside"):
        understood(project, own)
    (own / "beside.png").rename(own / NAMES[0] / "0.png")
    (own / NAMES[3] / "1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=f"{NAMES[3]}/1.png"):
        understood(project, own)


def test_it_is_one_sort_of_data_and_takes_samples_without_identities(project: Path, tmp_path: Path) -> None:
    own = pictures(tmp_path / "own", dict.fromkeys(NAMES[:12], 2))
    with pytest.raises(InputError, match="got --images PATH and --identities PATH"):
        understand(project, "parts", images=own, identities=own)
    others = pictures(tmp_path / "others", {"unlabelled": 3})
    recipe = yaml.safe_load(understand(project, "parts", identities=own, unlabelled=others).recipe)
    assert recipe["data"]["unlabelled"]["source"] == {"kind": "folder", "path": str(others)}
    assert recipe["distill"]["unlabelled_share"] == 0.5
