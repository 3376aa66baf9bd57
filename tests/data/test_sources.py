import hashlib
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from params.pipeline import Recipe
from tasks.core.errors import DataError, IntegrityError
from tasks.data.fetch import fetch
from tasks.data.readers.raw import check_raw
from tasks.data.sources.own import signature
from tasks.data.sources.wheel import _unpack

MakeRecipe = Callable[..., Recipe]
ROOT = Path(__file__).parents[2]
PIXELS = {"kind": "pixel_table", "file": "digits.csv.gz", "shape": [1, 8, 8]}
DIGITS: dict[str, Any] = yaml.safe_load((ROOT / "params/digits.yaml").read_text())["data"]["source"]
VOWELS: dict[str, Any] = yaml.safe_load((ROOT / "params/vowels.yaml").read_text())["data"]["source"]


def test_installed_files_are_copied(make_recipe: MakeRecipe, project: Path) -> None:
    fetch(make_recipe(DIGITS, PIXELS), project)
    content = (project / "data/mine/raw/digits.csv.gz").read_bytes()
    assert hashlib.sha256(content).hexdigest() == next(iter(DIGITS["files"].values()))


def test_all_problems_of_installed_files_are_told_at_once(make_recipe: MakeRecipe, project: Path) -> None:
    files = {"sklearn/none.csv": "0" * 64, next(iter(DIGITS["files"])): "1" * 64}
    with pytest.raises(DataError) as told:
        fetch(make_recipe({**DIGITS, "files": files}, PIXELS), project)
    assert "none.csv" in str(told.value)
    assert "sha256 111" in str(told.value)
    assert not (project / "data/mine/raw").exists()


def test_a_package_that_is_not_installed_is_named(make_recipe: MakeRecipe, project: Path) -> None:
    with pytest.raises(DataError, match="pip install no-such-package-here"):
        fetch(make_recipe({**DIGITS, "package": "no-such-package-here"}, PIXELS), project)


def test_two_files_of_one_name_are_refused(make_recipe: MakeRecipe, project: Path) -> None:
    files = {"a/x.csv": "0" * 64, "b/x.csv": "0" * 64}
    with pytest.raises(DataError, match="different names"):
        fetch(make_recipe({**DIGITS, "files": files}, PIXELS), project)


@pytest.mark.usefixtures("index")
def test_named_files_of_a_pinned_wheel_are_unpacked(make_recipe: MakeRecipe, project: Path) -> None:
    reader = {"kind": "table", "label": "x"}
    fetch(make_recipe(VOWELS, reader), project)
    raw = project / "data/mine/raw"
    assert sorted(path.name for path in raw.iterdir()) == [
        "JapaneseVowels_TEST.ts",
        "JapaneseVowels_TRAIN.ts",
        "contents.json",
    ]
    with pytest.raises(DataError, match=f"`sha256`: expected {'0' * 64}, got {VOWELS['sha256']}"):
        fetch(make_recipe({**VOWELS, "sha256": "0" * 64}, reader), project)
    with pytest.raises(DataError, match=r"files of aeon.*, got aeon/none\.ts"):
        fetch(make_recipe({**VOWELS, "files": ["aeon/none.ts"]}, reader), project)


def test_a_wheel_that_cannot_be_had_is_told_with_what_to_check(
    make_recipe: MakeRecipe, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # as good as offline, and quick
    with pytest.raises(DataError, match=r"the wheel aeon==.* from the package index.*check the network"):
        fetch(make_recipe(VOWELS, {"kind": "table", "label": "x"}), project)
    assert not (project / "data/mine/raw").exists()


def test_no_member_of_a_wheel_is_written_outside_raw(tmp_path: Path) -> None:
    wheel, raw = tmp_path / "evil.whl", tmp_path / "a" / "raw"
    raw.mkdir(parents=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("../../evil.txt", "x")
    _unpack(wheel, ("../../evil.txt",), raw)
    assert [path.name for path in raw.iterdir()] == ["evil.txt"]
    assert not (tmp_path / "evil.txt").exists()


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one wheel, where pip looks instead of the index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    metadata = {"METADATA": "Metadata-Version: 2.1\nName: cells\nVersion: 1.0\n", "WHEEL": "Wheel-Version: 1.0\n"}
    with zipfile.ZipFile(folder / "cells-1.0-py3-none-any.whl", "w") as wheel:
        for name in ("cells/images/2.png", "cells/images/1.png", "cells/other/1.png", "cells/labels.csv"):
            wheel.writestr(name, name)
        for name, text in {**metadata, "RECORD": ""}.items():
            wheel.writestr(f"cells-1.0.dist-info/{name}", text)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def _cells(wheelhouse: Path, *files: str) -> dict[str, Any]:
    sha256 = hashlib.sha256(next(wheelhouse.iterdir()).read_bytes()).hexdigest()
    return {"kind": "wheel", "package": "cells", "version": "1.0", "sha256": sha256, "files": list(files)}


def test_files_of_a_wheel_by_a_pattern_are_one_tar_under_their_whole_names(
    wheelhouse: Path, make_recipe: MakeRecipe, project: Path
) -> None:
    fetch(make_recipe(_cells(wheelhouse, "cells/images/*.png", "cells/o*/1.png", "cells/labels.csv"), PIXELS), project)
    raw = project / "data/mine/raw"
    assert sorted(path.name for path in raw.iterdir()) == ["contents.json", "files.tar"]
    with tarfile.open(raw / "files.tar") as members:
        names = ["cells/images/1.png", "cells/images/2.png", "cells/labels.csv", "cells/other/1.png"]
        assert members.getnames() == names
        stream = members.extractfile("cells/images/2.png")
        assert stream is not None
        assert stream.read() == b"cells/images/2.png"
        assert {(m.mtime, m.uid, m.mode) for m in members} == {(0, 0, 0o644)}


def test_a_pattern_that_fits_nothing_is_named(wheelhouse: Path, make_recipe: MakeRecipe, project: Path) -> None:
    with pytest.raises(DataError, match=r"files of cells-1.0.*, got cells/\*\.jpg, cells/none\.csv"):
        fetch(make_recipe(_cells(wheelhouse, "cells/*.jpg", "cells/*.csv", "cells/none.csv"), PIXELS), project)


def test_a_packed_folder_has_the_same_bytes_whatever_times_and_modes(
    image_recipe: Recipe, project: Path, images: Path
) -> None:
    (images / "cat/.DS_Store").write_text("litter")
    fetch(image_recipe, project)
    tar = project / "data/mine/raw/files.tar"
    before = tar.read_bytes()
    os.utime(images / "cat/0.png", (1, 1))
    (images / "cat/1.png").chmod(0o600)
    fetch(image_recipe, project)
    assert tar.read_bytes() == before
    with tarfile.open(tar) as members:
        names = members.getnames()
    assert names == sorted(names)
    assert len(names) == 22


def test_a_missing_path_names_the_field(make_recipe: MakeRecipe, project: Path) -> None:
    for kind in ("folder", "file"):
        with pytest.raises(DataError, match=rf"`data.source.path`: expected a {kind}, got nothing there"):
            fetch(make_recipe({"kind": kind, "path": "no/where"}, PIXELS), project)


def test_a_path_is_relative_to_the_project(make_recipe: MakeRecipe, project: Path) -> None:
    (project / "own").mkdir()
    (project / "own/x.csv").write_text("1\n")
    fetch(make_recipe({"kind": "file", "path": "own/x.csv"}, PIXELS), project)
    assert (project / "data/mine/raw/x.csv").read_text() == "1\n"


def test_signature_changes_with_a_new_file_and_not_with_reading(
    image_recipe: Recipe, project: Path, images: Path
) -> None:
    before = signature(image_recipe.data.source, project)
    (images / "cat/0.png").read_bytes()
    assert signature(image_recipe.data.source, project) == before
    (images / "cat/new.png").write_bytes((images / "cat/0.png").read_bytes())
    assert signature(image_recipe.data.source, project) != before


def test_damaged_raw_files_are_found(table_recipe: Recipe, project: Path) -> None:
    fetch(table_recipe, project)
    with (project / "data/mine/raw/rows.csv").open("a") as stream:
        stream.write("1,2,a,0\n")
    with pytest.raises(IntegrityError, match=r"rows\.csv"):
        check_raw(project / "data/mine/raw")
