import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from params.pipeline import Recipe
from tasks.core.errors import DataError, RecipeError
from tasks.data.fetch import fetch
from tasks.data.sources.chosen import choose
from tests.npm_registry import packed, registry

MakeRecipe = Callable[..., Recipe]
TABLE = {"kind": "table", "label": "label"}
ROWS = b"x,label\n1,a\n2,b\n"
SCRIPTS = b'{"name": "@trees/leaves", "version": "1.0.0", "scripts": {"prepare": "touch it-ran"}}'
FILES = {
    "package/package.json": SCRIPTS,
    "package/data/rows.csv": ROWS,
    "package/data/leaf.png": b"png",
    "package/../../evil.csv": b"evil",
    "package/zeros.bin": bytes(2_000_000),
}
NPM = pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm")


@pytest.fixture
def leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    archive = packed(FILES, links=[("package/data/passwords", "/etc/passwd")])
    with registry(archive, tmp_path, monkeypatch) as named:
        yield named


@NPM
def test_named_files_of_a_package_lie_side_by_side_and_patterns_are_one_tar(
    make_recipe: MakeRecipe, project: Path, leaves: dict[str, str]
) -> None:
    raw = project / "data/mine/raw"
    fetch(make_recipe({**leaves, "paths": ["data/rows.csv"]}, TABLE), project)
    assert sorted(path.name for path in raw.iterdir()) == ["contents.json", "rows.csv"]
    assert (raw / "rows.csv").read_bytes() == ROWS
    fetch(make_recipe({**leaves, "paths": ["data", "*.json"]}, TABLE), project)
    with tarfile.open(raw / "files.tar") as tar:
        assert tar.getnames() == ["data/leaf.png", "data/rows.csv", "package.json"]
    assert not [*project.rglob("it-ran")]
    assert [path.name for path in (project / "data/mine").iterdir()] == ["raw"]


@NPM
def test_what_is_wrong_with_a_package_is_one_message(
    make_recipe: MakeRecipe, project: Path, leaves: dict[str, str]
) -> None:
    def told(**said: Any) -> str:
        with pytest.raises(DataError) as problem:
            fetch(make_recipe({**leaves, "paths": ["data/rows.csv"], **said}, TABLE), project)
        return str(problem.value)

    assert f"`data.source`: `sha256`: expected {'0' * 64}, got {leaves['sha256']}; if" in told(sha256="0" * 64)
    assert "expected files of @trees/leaves, got `data/none`, `data/passwords`" in told(
        paths=["data/none", "data/passwords"]
    )
    assert "expected at most 1,000,000 bytes unpacked, got more" in told(largest_megabytes=1)
    assert "expected @trees/leaves@2.0.0 from the npm registry, got code ETARGET; " in told(version="2.0.0")
    assert not (project / "data/mine/raw").exists()


def test_a_name_that_leads_out_of_its_folder_is_refused() -> None:
    with pytest.raises(DataError, match=r"inside their folder, got `\.\./\.\./evil\.csv`, `/evil\.csv`"):
        choose(["../../evil.csv", "/evil.csv", "rows.csv"], ["*.csv"], "leaves", "look")


@NPM
def test_a_package_that_is_no_archive_is_refused(
    make_recipe: MakeRecipe, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = packed(FILES)
    with registry(whole[: len(whole) // 2], tmp_path, monkeypatch) as cut:
        recipe = make_recipe({**cut, "paths": ["data/rows.csv"]}, TABLE)
        with pytest.raises(DataError, match=r"expected (an archive of )?@trees/leaves.*, got "):
            fetch(recipe, project)


def test_without_npm_that_is_told(make_recipe: MakeRecipe, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    source = {"kind": "npm", "package": "leaves", "version": "1.0.0", "sha256": "0" * 64, "paths": ["x"]}
    with pytest.raises(DataError, match=r"expected the program npm, got none; install it"):
        fetch(make_recipe(source, TABLE), project)


@pytest.mark.parametrize(
    "said",
    [
        *({"package": name} for name in ("../x", "--x", "git+https://h/x", "github:a/b", "a/b", "file:x", "./x")),
        *({"version": text} for text in ("latest", "^1.0.0", "1", "npm:x@1.0.0", "file:x", "https://h/x.tgz")),
    ],
)
def test_what_npm_would_take_for_an_address_is_no_package(said: dict[str, str], make_recipe: MakeRecipe) -> None:
    source = {"kind": "npm", "package": "leaves", "version": "1.0.0", "sha256": "0" * 64, "paths": ["x"]}
    with pytest.raises(RecipeError, match=next(iter(said))):
        make_recipe({**source, **said}, TABLE)
