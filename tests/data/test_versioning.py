import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from filelock import FileLock
from PIL import Image

from params.pipeline import Recipe
from tasks.core.errors import BusyError, DataError, InputError, IntegrityError, RecipeError, StageError
from tasks.core.files import sha256_of
from tasks.core.progress import Event, Notice, listen
from tasks.data.versions.pipeline import list_recipe
from tasks.data.versions.versioning import data_folder, recorded_version, versioned_data
from tasks.data.versions.watched import source_signature
from tasks.kinds.recipes import load_recipe

MakeRecipe = Callable[..., Recipe]
ROOT = Path(__file__).parents[2]


def _commit(project: Path) -> None:
    subprocess.run(["git", "add", "-A"], cwd=project, check=True)
    name = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    subprocess.run(["git", *name, "commit", "-qm", "x"], cwd=project, check=True)


def _status(project: Path) -> str:
    return subprocess.run(["git", "status", "--short"], cwd=project, check=True, capture_output=True, text=True).stdout


def _object(project: Path, name: str, folder: str = ".dvc/cache/files/md5") -> Path:
    """Returns the object in DVC's cache that holds a prepared file."""
    wanted = sha256_of(project / "data/mine/prepared" / name)
    return next(p for p in (project / folder).glob("??/*") if p.suffix != ".dir" and sha256_of(p) == wanted)


def test_data_is_made_once_and_reused(image_recipe: Recipe, project: Path) -> None:
    first = versioned_data(project, image_recipe)
    assert not first.reused
    assert first.version == recorded_version(project, "mine")
    assert first.version in (project / "dvc.lock").read_text()
    assert first.samples == {"train": 12, "validation": 4, "test": 4}
    assert first.card_sha256 == sha256_of(Path(first.directory) / "dataset.json")
    _commit(project)
    second = versioned_data(project, image_recipe)
    assert second.reused
    assert second.digest == first.digest
    assert _status(project) == ""
    assert _object(project, "train-00000.inputs.npy", ".stillhouse/dvc-remote/files/md5").is_file()


def test_from_nothing_the_version_is_the_same(table_recipe: Recipe, project: Path) -> None:
    first = versioned_data(project, table_recipe)
    _commit(project)
    for name in ("data", ".dvc/cache", ".dvc/tmp", ".stillhouse"):
        subprocess.run(["rm", "-rf", name], cwd=project, check=True)
    second = versioned_data(project, table_recipe)
    assert not second.reused
    assert second.version == first.version
    assert _status(project) == ""


def test_what_was_pushed_is_pulled_instead_of_made(table_recipe: Recipe, project: Path) -> None:
    first = versioned_data(project, table_recipe)
    subprocess.run(["rm", "-rf", "data", ".dvc/cache", ".dvc/tmp"], cwd=project, check=True)
    second = versioned_data(project, table_recipe)
    assert second.reused
    assert second.digest == first.digest


def test_a_new_file_in_the_folder_is_noticed(image_recipe: Recipe, project: Path, images: Path) -> None:
    first = versioned_data(project, image_recipe)
    signed = source_signature(project, image_recipe)
    Image.fromarray(np.full((12, 12, 3), 7, dtype=np.uint8)).save(images / "cat/new.png")
    assert source_signature(project, image_recipe) != signed
    second = versioned_data(project, image_recipe)
    assert not second.reused
    assert second.version != first.version
    assert sum(second.samples.values()) == 21


def test_another_section_does_not_fetch_again(image_recipe: Recipe, project: Path) -> None:
    versioned_data(project, image_recipe)
    raw = (project / "data/mine/raw/files.tar").stat().st_mtime_ns
    path = project / "params/mine.yaml"
    recipe = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**recipe, "distill": {"alpha": 0.5}}))
    assert versioned_data(project, load_recipe(path)).reused
    recipe["data"]["split"]["seed"] = 5
    path.write_text(yaml.safe_dump(recipe))
    assert not versioned_data(project, load_recipe(path)).reused
    assert (project / "data/mine/raw/files.tar").stat().st_mtime_ns == raw


def test_an_overridden_section_leaves_the_repository_alone(
    make_recipe: MakeRecipe, project: Path, images: Path
) -> None:
    images.rename(project / "photos")
    recipe = make_recipe({"kind": "folder", "path": "photos"}, {"kind": "image_folder", "size": [8, 8]})
    committed = versioned_data(project, recipe)
    _commit(project)
    other = load_recipe(project / "params/mine.yaml", ["data.split.seed=3"])
    first = versioned_data(project, other)
    assert not first.reused
    assert first.version != committed.version
    assert Path(first.directory).is_relative_to(project / ".stillhouse/variants")
    assert recorded_version(data_folder(project, other), "mine") == first.version
    assert versioned_data(project, other).reused
    assert _status(project) == ""
    assert recorded_version(project, "mine") == committed.version
    assert versioned_data(project, recipe).reused


def test_a_damaged_cache_object_is_found_removed_and_made_anew(table_recipe: Recipe, project: Path) -> None:
    first = versioned_data(project, table_recipe)
    damaged = _object(project, "train-00000.inputs.npy")
    _object(project, "train-00000.inputs.npy", ".stillhouse/dvc-remote/files/md5").unlink()
    subprocess.run(["rm", "-rf", "data/mine/prepared"], cwd=project, check=True)
    damaged.chmod(0o644)
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    damaged.chmod(0o444)
    with pytest.raises(IntegrityError, match=r"`train-00000\.inputs\.npy`; the damaged files were removed"):
        versioned_data(project, table_recipe)
    assert not damaged.exists()
    assert versioned_data(project, table_recipe).digest == first.digest


def test_bad_data_is_told_in_the_words_of_the_stage(table_recipe: Recipe, project: Path, table: Path) -> None:
    table.write_text(table.read_text() + ",1,a,0\n")
    with pytest.raises(DataError) as told:
        versioned_data(project, table_recipe)
    assert str(told.value).startswith("`data.reader`: `missing`: expected no missing values, got `width` 1 of 31 rows")
    assert "Traceback" not in str(told.value)
    assert not (project / "data/mine/prepared").exists()


def test_a_missing_folder_is_told_before_dvc_starts(image_recipe: Recipe, project: Path, images: Path) -> None:
    images.rename(images.with_name("elsewhere"))
    with pytest.raises(DataError, match=r"`data\.source\.path`: expected a folder, got nothing there"):
        versioned_data(project, image_recipe)


def test_a_variant_looks_into_the_same_folders(make_recipe: MakeRecipe, project: Path, table: Path) -> None:
    shutil.copyfile(table, project / "rows.csv")
    source = {"kind": "download", "files": {"rows.csv": sha256_of(table)}, "folders": ["."]}
    recipe = make_recipe(source, {"kind": "table", "label": "label", "categorical": ["colour"]})
    other = recipe.model_copy(update={"data": recipe.data.model_copy(update={"duplicates": "drop"})})
    assert data_folder(project, other) != project
    assert sum(versioned_data(project, other).samples.values()) == 30


def test_what_dvc_watches_of_a_recipe_is_written_by_the_run_and_nothing_else_in_the_file(
    table_recipe: Recipe, project: Path, table: Path
) -> None:
    shutil.copyfile(ROOT / "dvc.yaml", project / "dvc.yaml")
    before = (project / "dvc.yaml").read_text().splitlines()
    told: list[Event] = []
    stop = listen(told.append)
    assert not versioned_data(project, table_recipe).reused
    assert versioned_data(project, table_recipe).reused
    stop()
    assert [one.word for one in told if isinstance(one, Notice)] == ["written"]
    after = (project / "dvc.yaml").read_text().splitlines()
    entry = f"      mine: {{source: {table}}}"
    assert [line for line in after if line not in before] == [entry]
    assert [line for line in after if line in before] == before


def test_an_entry_that_a_changed_recipe_outgrew_is_written_again_in_its_place(project: Path) -> None:
    path = project / "dvc.yaml"
    shutil.copyfile(ROOT / "dvc.yaml", path)
    text = path.read_text()
    for name in ("digits", "fashion"):  # the first, and the last, which a comment follows
        path.write_text(text.replace(f"      {name}: {{source: ", f"      {name}: {{source: elsewhere/", 1))
        list_recipe(project, load_recipe(ROOT / "params" / f"{name}.yaml"))
        assert path.read_text() == text


def test_a_dvc_yaml_that_is_none_any_more_is_one_message(table_recipe: Recipe, project: Path) -> None:
    for broken in ("a: [", "", "vars: 3", "vars: [{recipes: null}]", "a: &a\nb: *c\n"):
        (project / "dvc.yaml").write_text(broken)
        with pytest.raises(RecipeError, match=r"dvc.yaml`.*; take `dvc.yaml` from the repository again"):
            versioned_data(project, table_recipe)


def test_outside_git_one_message_says_what_to_do(image_recipe: Recipe, project: Path) -> None:
    subprocess.run(["rm", "-rf", ".git"], cwd=project, check=True)
    with pytest.raises(
        InputError, match=r"expected a git checkout, got fatal: not a git repository .*; clone the repository"
    ):
        versioned_data(project, image_recipe)


def test_a_second_run_waits_and_then_says_busy(table_recipe: Recipe, project: Path) -> None:
    (project / ".stillhouse/locks").mkdir(parents=True)
    with FileLock(project / ".stillhouse/locks/data.lock"), pytest.raises(BusyError, match="run again"):
        versioned_data(project, table_recipe, patience=0.1)


def test_dvc_used_by_hand_at_the_same_time_is_busy_too(table_recipe: Recipe, project: Path) -> None:
    (project / ".dvc/tmp").mkdir()
    held = {"write": {str(project / "data/mine/raw"): {"pid": os.getpid(), "cmd": "dvc repro"}}, "read": {}}
    (project / ".dvc/tmp/rwlock").write_text(json.dumps(held))
    with pytest.raises(BusyError):
        versioned_data(project, table_recipe)


def test_a_lock_file_cut_short_by_a_kill_is_mended(table_recipe: Recipe, project: Path) -> None:
    (project / ".dvc/tmp").mkdir()
    (project / ".dvc/tmp/rwlock").write_text('{"wri')
    assert not versioned_data(project, table_recipe).reused


def test_anything_else_is_a_stage_error_with_the_last_lines(table_recipe: Recipe, project: Path) -> None:
    text = (project / "dvc.yaml").read_text()
    (project / "dvc.yaml").write_text(text.replace("python -m tasks.data prepare", "echo last words && false"))
    with pytest.raises(StageError, match="last words"):
        versioned_data(project, table_recipe)


def test_a_kill_of_the_run_ends_the_stage_too(table_recipe: Recipe, project: Path) -> None:
    text = (project / "dvc.yaml").read_text()
    slow = "touch begun && sleep 2 && touch late && echo"
    (project / "dvc.yaml").write_text(text.replace("python -m tasks.data fetch", slow))
    code = (
        "from pathlib import Path; from tasks.kinds.recipes import load_recipe;"
        "from tasks.data.versions.versioning import versioned_data;"
        "versioned_data(Path.cwd(), load_recipe(Path('params/mine.yaml')))"
    )
    run = subprocess.Popen([sys.executable, "-c", code], cwd=project)
    for _ in range(200):
        if (project / "begun").exists():
            break
        time.sleep(0.05)
    run.kill()
    run.wait()
    time.sleep(2.5)
    assert (project / "begun").exists()
    assert not (project / "late").exists()


@pytest.mark.slow
def test_a_remote_that_lacks_files_does_not_keep_data_from_being_made(table_recipe: Recipe, project: Path) -> None:
    versioned_data(project, table_recipe)
    _object(project, "train-00000.inputs.npy", ".stillhouse/dvc-remote/files/md5").unlink()
    subprocess.run(["rm", "-rf", "data", ".dvc/cache", ".dvc/tmp"], cwd=project, check=True)
    assert not versioned_data(project, table_recipe).reused


def test_reading_the_version_needs_no_dvc(table_recipe: Recipe, project: Path) -> None:
    assert recorded_version(project, "mine") is None
    version = versioned_data(project, table_recipe).version
    started = time.perf_counter()
    assert recorded_version(project, "mine") == version
    assert time.perf_counter() - started < 0.1


@pytest.mark.slow
def test_a_remote_that_cannot_be_written_to_does_not_undo_what_was_made(
    table_recipe: Recipe, project: Path, table: Path
) -> None:
    first = versioned_data(project, table_recipe)
    remote = project / ".stillhouse/dvc-remote"
    shutil.rmtree(remote)
    remote.write_text("no folder")
    with table.open("a") as stream:
        stream.write("30,15.1,a,0\n")
    with pytest.raises(StageError):
        versioned_data(project, table_recipe)
    assert recorded_version(project, "mine") not in (None, first.version)
    remote.unlink()
    assert sum(versioned_data(project, table_recipe).samples.values()) == 31
