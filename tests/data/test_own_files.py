"""Every kind of thing that a file system may hold: told by name by `init`, the fetch stage and the no-op check."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from params.pipeline import Recipe
from tasks.core.errors import DiskFullError, InputError
from tasks.data.fetch import fetch
from tasks.data.init.scaffold import understand, write_recipe
from tasks.data.sources.folder import pack
from tasks.data.sources.own import own_files, signature
from tasks.data.sources.tar import packing
from tasks.data.versions.versioning import versioned_data
from tasks.data.versions.watched import source_signature

MakeRecipe = Callable[..., Recipe]
READER = {"kind": "image_folder", "size": [4, 4], "channels": 1}
TABLE = {"kind": "table", "label": "label"}
NOBODY = 65_534


@contextmanager
def without_rights() -> Iterator[None]:
    """Makes root a user without rights for a while: root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def _as_ever() -> Iterator[None]:
    yield


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere.png")


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


def _above(path: Path) -> None:
    path.symlink_to("..", target_is_directory=True)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o644)


def _device(path: Path) -> None:
    path.symlink_to("/dev/null")


def _forbidden(path: Path) -> None:
    Image.new("L", (4, 4)).save(path)
    path.chmod(0o000)


def _forbidden_folder(path: Path) -> None:
    path.mkdir()
    path.chmod(0o000)


def _not_utf_8(path: Path) -> None:
    Image.new("L", (4, 4)).save(path.with_suffix(".png"))
    path.with_suffix(".png").rename(path.with_name(os.fsdecode(b"caf\xe9.png")))


OBJECTS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "a link that leads nowhere": (
        "new.png",
        _dangling,
        r"new\.png`.*got a link that leads nowhere \(to `nowhere\.png`\)",
    ),
    "a link to itself": ("new.png", _circle, r"new\.png`.*got a link that leads in a circle"),
    "a link to a folder above": ("new", _above, r"new`.*got a link to `.*photos`, which it lies in"),
    "a pipe": ("new.png", _pipe, r"new\.png`.*got a pipe"),
    "a hidden pipe": (".new", _pipe, r"\.new`.*got a pipe"),
    "a hidden link that leads nowhere": (".#notes", _dangling, r"\.#notes`.*got a link that leads nowhere"),
    "a socket": ("new.png", _socket, r"new\.png`.*got a socket"),
    "a device": ("new.png", _device, r"new\.png`.*got a device"),
    "a file of another user": ("new.png", _forbidden, r"new\.png`.*got one that this user may not read"),
    "a folder of another user": ("new", _forbidden_folder, r"new`.*got one that this user may not read"),
    "a name that is not UTF-8": ("new.png", _not_utf_8, r"caf\\udce9\.png`.*got a name that is not UTF-8"),
}


@pytest.fixture
def photos(project: Path) -> Path:
    """A folder of pictures that everybody may read, in a project where everybody may write."""
    folder = project / "photos"
    for label in ("cat", "dog"):
        (folder / label).mkdir(parents=True)
        for number in range(4):
            Image.new("L", (4, 4), number * 20 + len(label) * (label == "cat")).save(folder / label / f"{number}.png")
    for path in (project, project / "params", project / "data/mine"):
        path.mkdir(exist_ok=True, parents=True)
        path.chmod(0o777)
    return folder


@pytest.mark.parametrize("name", OBJECTS)
def test_what_cannot_be_read_is_told_by_name_whoever_looks(name: str, photos: Path, make_recipe: MakeRecipe) -> None:
    recipe = make_recipe({"kind": "folder", "path": "photos"}, READER)
    here = Path()  # relative: who has no rights may not walk down to the folder of a test
    looks: tuple[Callable[[], Any], ...] = (
        lambda: understand(here, "new", images=Path("photos")),
        lambda: fetch(recipe, here),
        lambda: signature(recipe.data.source, here),
        lambda: source_signature(here, recipe),
    )
    for look in looks:  # all is well, and whatever is imported late is there
        look()
    entry, make, said = OBJECTS[name]
    make(photos / "cat" / entry)
    with without_rights() if "another user" in name else _as_ever():
        for look in looks:
            with pytest.raises(InputError, match=said):
                look()


@pytest.mark.parametrize("name", ["a pipe", "a hidden pipe", "a hidden link that leads nowhere"])
def test_dvc_is_not_asked_to_read_it(name: str, photos: Path, make_recipe: MakeRecipe) -> None:
    recipe = make_recipe({"kind": "folder", "path": "photos"}, READER)
    entry, make, said = OBJECTS[name]
    make(photos / "cat" / entry)
    with pytest.raises(InputError, match=said):
        versioned_data(photos.parent, recipe)


@pytest.mark.parametrize("name", ["a link that leads nowhere", "a link to itself", "a pipe", "a socket", "a device"])
def test_a_source_that_is_none_is_told_with_what_it_is(name: str, project: Path, make_recipe: MakeRecipe) -> None:
    entry, make, _ = OBJECTS[name]
    make(project / entry)
    for kind in ("folder", "file"):
        recipe = make_recipe({"kind": kind, "path": entry}, READER)
        said = rf"`data.source.path`: expected a {kind}, got a"
        with pytest.raises(InputError, match=said):
            fetch(recipe, project)
        with pytest.raises(InputError, match=said):
            source_signature(project, recipe)


MADE_UP = "got a part of `(proc|sysfs)`, which the system makes up while it is read"
ENDLESS = {
    "/proc": MADE_UP,
    "/proc/self": MADE_UP,
    "/proc/self/mem": MADE_UP,
    "/proc/self/maps": MADE_UP,
    "/proc/self/fd": MADE_UP,
    "/sys": MADE_UP,
    "/sys/class/net": MADE_UP,
    "/dev": "got a (device|part of `proc`)",
    "/dev/zero": "got a device",
    "/dev/stdin": "got (a (device|pipe|part)|nothing there|a link|one that)",
}


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="of Linux")
@pytest.mark.parametrize("path", ENDLESS)
@pytest.mark.parametrize("link", [False, True], ids=["by its name", "by a link"])
def test_what_has_no_end_is_refused_at_once(path: str, link: bool, project: Path, make_recipe: MakeRecipe) -> None:
    given, said = Path(path), ENDLESS[path]
    if link:
        given = project / "there"
        given.symlink_to(path)
    options: tuple[dict[str, Any], ...] = ({"images": given}, {"table": given}, {"sequences": given})
    for option in options:
        with pytest.raises(InputError, match=f"{said}|got a folder; correct"):
            understand(project, "new", **option)
    kind = "folder" if given.is_dir() else "file"
    source, reader = {"kind": kind, "path": str(given)}, READER if kind == "folder" else TABLE
    recipe = make_recipe(source, reader)
    looks: tuple[Callable[[], Any], ...] = (
        lambda: fetch(recipe, project),
        lambda: source_signature(project, recipe),
        lambda: versioned_data(project, recipe),
    )
    for look in looks:
        with pytest.raises(InputError, match=said):
            look()


def test_links_that_double_the_ways_at_each_step_are_followed_so_far_and_no_farther(photos: Path) -> None:
    for step in range(30):
        (photos / f"step{step:02d}").mkdir()
        for way in ("left", "right"):
            (photos / f"step{step:02d}" / way).symlink_to(f"../step{step + 1:02d}", target_is_directory=True)
    (photos / "step30").mkdir()
    with pytest.raises(InputError, match="got a folder to which links lead by more than 100 ways; repair or remove it"):
        list(own_files(photos))


def test_a_table_that_no_memory_holds_is_refused_before_it_is_read(project: Path, make_recipe: MakeRecipe) -> None:
    large = project / "large.csv"
    with large.open("w") as stream:
        stream.write("x,label\n1,a\n")
        stream.truncate(1 << 43)  # eight terabytes, of which the disk holds a block
    options: tuple[dict[str, Any], ...] = ({"table": large}, {"sequences": large})
    for option in options:
        with pytest.raises(InputError, match=r"large\.csv`: expected a table that fits into the memory .* 8,796,093,0"):
            understand(project, "new", **option)
    with pytest.raises(DiskFullError, match="expected 8,796,093,022,208 bytes free"):
        fetch(make_recipe({"kind": "file", "path": "large.csv"}, TABLE), project)


def test_a_file_of_another_user_is_told(project: Path, make_recipe: MakeRecipe) -> None:
    (project / "rows.csv").write_text("x,label\n1,a\n2,b\n")
    recipe = make_recipe({"kind": "file", "path": "rows.csv"}, {"kind": "table", "label": "label"})
    fetch(recipe, Path())
    (project / "rows.csv").chmod(0o000)
    with without_rights(), pytest.raises(InputError, match=r"rows\.csv`: expected a file or folder that can be read"):
        source_signature(Path(), recipe)


def test_all_of_it_is_told_at_once_and_many_are_counted(photos: Path) -> None:
    for number in range(14):
        (photos / "dog" / f"gone-{number:02d}").symlink_to("nowhere")
    with pytest.raises(InputError) as told:
        list(own_files(photos))
    lines = str(told.value).splitlines()
    assert ["gone-09" in lines[9], len(lines), lines[-1]] == [True, 11, "and 4 more like these"]


def test_a_link_to_a_file_or_a_folder_elsewhere_is_followed(photos: Path, make_recipe: MakeRecipe) -> None:
    (photos / "emu").symlink_to("dog", target_is_directory=True)
    (photos / "cat" / "linked.png").symlink_to("../dog/0.png")
    names = [name for name, _ in own_files(photos)]
    assert {"emu/0.png", "cat/linked.png"} <= {*names}
    assert names == sorted(names)
    fetch(make_recipe({"kind": "folder", "path": "photos"}, READER), photos.parent)


@pytest.mark.parametrize(
    "name", ["a [v2] (b) {c} & d", "CON", "back\\slash", "ü ñ 日本", "${x}", "a: b, c #d", "trailing. "]
)
def test_any_other_name_is_a_name(
    name: str, photos: Path, make_recipe: MakeRecipe, prepared: Callable[[Recipe], Any]
) -> None:
    (photos / "cat").rename(photos / name)
    (photos / name / "0.png").rename(photos / name / f"{name}.png")
    source = Path(name.replace("${", "$ {"))
    photos.rename(photos.parent / source)
    understood = understand(photos.parent, "new", images=source)
    assert name in {row[0] for row in understood.rows}
    card, _ = prepared(make_recipe({"kind": "folder", "path": str(source)}, READER))
    assert name in card.targets.names


def test_a_path_that_dvc_would_take_for_a_variable_is_refused(photos: Path) -> None:
    photos.rename(photos.with_name("${x}"))
    recipe = understand(photos.parent, "new", images=Path("${x}")).recipe
    with pytest.raises(InputError, match=r"`\$\{x\}` has `\$\{`, which dvc\.yaml takes for a variable; rename it"):
        write_recipe(photos.parent, "new", recipe)


def test_a_file_that_goes_while_it_is_packed_is_told(photos: Path, tmp_path: Path) -> None:
    listed = list(own_files(photos))
    (photos / "dog/3.png").unlink()
    (tmp_path / "raw").mkdir()
    *others, (name, path) = listed
    with packing(tmp_path / "raw") as packer:
        for other in others:
            pack(packer, *other)
        with pytest.raises(InputError, match=r"dog/3\.png`: expected a file that can be read, got a file that is gone"):
            pack(packer, name, path)
