import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from params.pipeline import Recipe
from tasks.core.errors import DataError, RecipeError
from tasks.data.fetch import fetch

MakeRecipe = Callable[..., Recipe]
TABLE = {"kind": "table", "label": "label"}
CONTENT = b"x,label\n" + b"1,a\n2,b\n" * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NOWHERE = "http://127.0.0.1:9/nothing"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A web server with `rows.csv`, and `rows.csv.gz` in the folder `packed`."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "site/packed").mkdir(parents=True)
    (tmp_path / "site/rows.csv").write_bytes(CONTENT)
    (tmp_path / "site/packed/rows.csv.gz").write_bytes(gzip.compress(CONTENT))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "site")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _recipe(make: MakeRecipe, name: str = "rows.csv", sha256: str = SHA256, **source: Any) -> Recipe:
    return make({"kind": "download", "files": {name: sha256}, **source}, TABLE)


def test_a_file_is_taken_from_a_folder_before_any_server_is_asked(
    make_recipe: MakeRecipe, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_bytes(CONTENT)
    fetch(_recipe(make_recipe, folders=[str(tmp_path / "none"), str(tmp_path)], urls=[NOWHERE]), project)
    assert (project / "data/mine/raw/rows.csv").read_bytes() == CONTENT


def test_a_file_comes_from_the_first_server_that_has_it(make_recipe: MakeRecipe, project: Path, site: str) -> None:
    fetch(_recipe(make_recipe, folders=["no/where"], urls=[NOWHERE, f"{site}/none", site]), project)
    assert (project / "data/mine/raw/rows.csv").read_bytes() == CONTENT


def test_two_packers_give_the_same_raw_bytes(make_recipe: MakeRecipe, project: Path, tmp_path: Path, site: str) -> None:
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(CONTENT, compresslevel=1))
    fetch(_recipe(make_recipe, "rows.csv.gz", folders=[str(tmp_path)]), project)
    first = {path.name: path.read_bytes() for path in (project / "data/mine/raw").iterdir()}
    fetch(_recipe(make_recipe, "packed/rows.csv.gz", urls=[site]), project)
    assert {path.name: path.read_bytes() for path in (project / "data/mine/raw").iterdir()} == first
    assert first["rows.csv"] == CONTENT


def test_what_each_place_said_is_told_for_every_file(
    make_recipe: MakeRecipe, project: Path, tmp_path: Path, site: str
) -> None:
    other = CONTENT + b"3,c\n"
    (tmp_path / "rows.csv").write_bytes(other)
    (tmp_path / "more.csv.gz").write_bytes(gzip.compress(CONTENT)[:-20])
    source = {
        "kind": "download",
        "files": {"rows.csv": "0" * 64, "more.csv.gz": "1" * 64},
        "folders": [str(tmp_path)],
        "urls": [NOWHERE, site],
    }
    with pytest.raises(DataError) as told:
        fetch(make_recipe(source, TABLE), project)
    said = str(told.value)
    assert "`data.source`: `files.rows.csv`" in said
    assert "`data.source`: `files.more.csv.gz`" in said
    assert f"{tmp_path}: expected sha256 {'0' * 64}, got {hashlib.sha256(other).hexdigest()}" in said
    assert f"{site}: expected sha256 {'0' * 64}, got {SHA256}" in said
    assert f"{NOWHERE}: <urlopen error [Errno 111] Connection refused>" in said
    assert f"{site}: HTTP Error 404" in said
    assert f"{tmp_path}: Compressed file ended" in said
    assert said.splitlines()[-1].startswith("install the package that brings the folder, check network and proxy")
    assert not (project / "data/mine/raw").exists()


@pytest.mark.parametrize("name", ["big.csv", "big.csv.gz"])
def test_a_file_that_is_too_long_is_refused_packed_or_not(
    name: str, make_recipe: MakeRecipe, project: Path, tmp_path: Path
) -> None:
    content = bytes(1_000_001)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    sha256 = hashlib.sha256(content).hexdigest()
    recipe = _recipe(make_recipe, name, sha256, folders=[str(tmp_path)], largest_megabytes=1)
    with pytest.raises(DataError, match=r"expected at most 1,000,000 bytes \(`largest_megabytes`\), got more"):
        fetch(recipe, project)


def test_files_that_would_have_one_name_are_refused(make_recipe: MakeRecipe, project: Path) -> None:
    source = {"kind": "download", "files": {"rows.csv": SHA256, "a/rows.csv.gz": SHA256}, "folders": ["."]}
    with pytest.raises(DataError, match="files of different names"):
        fetch(make_recipe(source, TABLE), project)


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({}, "say in `folders` or `urls` where the files are"),
        ({"urls": ["ftp://example.org"]}, "data.source"),
    ],
)
def test_places_that_are_none_are_refused(places: dict[str, Any], said: str, make_recipe: MakeRecipe) -> None:
    with pytest.raises(RecipeError, match=said):
        _recipe(make_recipe, **places)
