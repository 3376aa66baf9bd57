import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from params.pipeline import Recipe
from tasks.core.errors import DataError, RecipeError
from tasks.data.__main__ import main
from tasks.data.fetch import fetch
from tasks.data.sources import git_objects

MakeRecipe = Callable[..., Recipe]
TABLE = {"kind": "table", "label": "label"}
URL = "https://example.org/trees.git"
ROWS = "x,label\n1,a\n2,b\n"


class Origin:
    """A real repository on this machine, which git is told to ask instead of `URL`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q", "-b", "main", str(folder))

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "protocol.file.allow=always")
        place = ("-C", str(self.folder)) if self.folder.exists() else ()
        done = subprocess.run(["git", *who, *place, *arguments], check=True, capture_output=True, input=given)
        return done.stdout.decode().strip()

    def commit(self, files: dict[str, str | bytes]) -> str:
        """Writes files, commits all there is, and returns the id."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "more")
        return self.git("rev-parse", "HEAD")

    def tree(self, *entries: tuple[str, str, str]) -> str:
        """Commits a tree of (mode, id, name), which need not be one that git itself would make."""
        raw = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(one) for mode, one, name in entries)
        tree = self.git("hash-object", "--literally", "-t", "tree", "-w", "--stdin", given=raw)
        head = self.git("for-each-ref", "--format=%(objectname)", "refs/heads/main")
        commit = self.git("commit-tree", tree, "-m", "made", *(("-p", head) if head else ()))
        self.git("update-ref", "refs/heads/main", commit)
        return commit

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", given=content)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Gives git one more setting of the user's."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "0")

    def set_one(name: str, value: str) -> None:
        count = int(os.environ["GIT_CONFIG_COUNT"])
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{count}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{count}", value)
        monkeypatch.setenv("GIT_CONFIG_COUNT", str(count + 1))

    return set_one


@pytest.fixture
def origin(tmp_path: Path, configured: Callable[[str, str], None]) -> Origin:
    found = Origin(tmp_path / "origin")
    configured(f"url.{found.folder.as_uri()}.insteadOf", URL)
    found.git("config", "uploadpack.allowFilter", "true")
    return found


@pytest.fixture
def brought(make_recipe: MakeRecipe, project: Path) -> Callable[..., Path]:
    """Fetches paths of a commit, and returns the raw folder."""

    def bring(commit: str, *paths: str, **more: Any) -> Path:
        source = {"kind": "git", "url": URL, "commit": commit, "paths": [*paths], **more}
        fetch(make_recipe(source, TABLE), project)
        assert [path.name for path in (project / "data/mine").iterdir()] == ["raw"], "nothing temporary is left"
        return project / "data/mine/raw"

    return bring


Bring = Callable[..., Path]


def _members(raw: Path) -> dict[str, bytes]:
    with tarfile.open(raw / "files.tar") as tar:
        return {one.name: stream.read() for one in tar if (stream := tar.extractfile(one))}


def test_named_files_of_a_commit_lie_side_by_side(origin: Origin, brought: Bring) -> None:
    commit = origin.commit({"data/rows.csv": ROWS, "data/more/names.txt": "a\nb\n", "other.bin": b"\0" * 1000})
    origin.commit({"data/rows.csv": "changed since"})
    raw = brought(commit, "data/rows.csv", "data/more/names.txt")
    assert sorted(path.name for path in raw.iterdir()) == ["contents.json", "names.txt", "rows.csv"]
    assert (raw / "rows.csv").read_text() == ROWS


def test_folders_and_patterns_are_one_tar_under_the_names_below_a_folder(origin: Origin, brought: Bring) -> None:
    files: dict[str, str | bytes] = {f"set/train/{n}.png": bytes([n]) * (n * 70_000) for n in range(3)}
    commit = origin.commit({**files, "set/labels.csv": ROWS, "set/notes.md": "no", "train/x.png": "no"})
    members = _members(brought(commit, "train", "*.csv", folder="set"))
    expected = {name.removeprefix("set/"): content for name, content in files.items()}
    assert members == {**expected, "labels.csv": ROWS.encode()}


def test_only_the_contents_that_are_named_are_fetched(
    origin: Origin, brought: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = origin.commit({"rows.csv": ROWS, "large.bin": os.urandom(3_000_000)})
    origin.commit({"later.bin": os.urandom(3_000_000)})
    monkeypatch.setattr(git_objects, "OVERHEAD", 0)
    assert (brought(commit, "rows.csv", largest_megabytes=1) / "rows.csv").read_text() == ROWS


@pytest.mark.parametrize("filters", ["true", "false"])
def test_a_server_that_gives_nothing_by_its_id_is_asked_for_branches(
    origin: Origin, brought: Bring, configured: Callable[[str, str], None], filters: str
) -> None:
    commit = origin.commit({"rows.csv": ROWS})
    origin.commit({"rows.csv": "changed since"})
    origin.git("config", "uploadpack.allowFilter", filters)
    configured("protocol.version", "0")
    assert (brought(commit, "rows.csv") / "rows.csv").read_text() == ROWS


def test_links_submodules_and_pointers_of_lfs_are_refused_by_name(
    origin: Origin, brought: Bring, tmp_path: Path
) -> None:
    other = Origin(tmp_path / "other")
    other.commit({"x": "x"})
    (origin.folder / "data").mkdir()
    (origin.folder / "data/passwords").symlink_to("/etc/passwd")
    origin.git("submodule", "--quiet", "add", str(other.folder), "data/sub")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12\n"
    commit = origin.commit({"data/rows.csv": ROWS, "large.csv": pointer, ".gitattributes": "*.csv filter=lfs\n"})
    with pytest.raises(DataError, match="got links or submodules: `data/passwords`, `data/sub`; name the files"):
        brought(commit, "data")
    with pytest.raises(DataError, match="got links or submodules: `data/sub`"):
        brought(commit, "data/sub")
    with pytest.raises(DataError, match=r"got pointers of Git LFS: `large\.csv`"):
        brought(commit, "*.csv", "data/rows.csv")
    assert (brought(commit, "data/*.csv") / "files.tar").is_file()


def test_nothing_of_a_repository_or_of_a_users_hooks_runs(
    origin: Origin, brought: Bring, configured: Callable[[str, str], None], tmp_path: Path
) -> None:
    witness, hooks = tmp_path / "it-ran", tmp_path / "hooks"
    hooks.mkdir()
    for name in ("reference-transaction", "post-checkout", "post-merge", "pre-auto-gc", "fsmonitor-watchman"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {witness}\n")
        (hooks / name).chmod(0o755)
    attributes = b"* filter=evil diff=evil text eol=crlf ident working-tree-encoding=UTF-16\n"
    rows, attributes_id = origin.blob(ROWS.encode()), origin.blob(attributes)
    commit = origin.tree(("100644", attributes_id, ".gitattributes"), ("100644", rows, "rows.csv"))
    origin.tree(("100644", rows, "moved.csv"))
    configured("core.hooksPath", str(hooks))
    configured("core.fsmonitor", str(hooks / "fsmonitor-watchman"))
    for command in ("filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv"):
        configured(command, f"touch {witness}")
    configured("init.templateDir", str(hooks.parent))
    configured("protocol.version", "0")  # whole branches are written, so that there are references to watch
    assert (brought(commit, "rows.csv") / "rows.csv").read_text() == ROWS, "the bytes of the repository"
    assert not witness.exists()


def test_names_that_lead_out_of_their_folder_or_are_there_twice_are_refused(origin: Origin, brought: Bring) -> None:
    blob = origin.blob(b"evil")
    up = origin.tree(("100644", blob, "../../evil.csv"), ("100644", blob, "good.csv"))
    with pytest.raises(DataError, match=r"inside their folder, got `\.\./\.\./evil\.csv`"):
        brought(up, "*.csv")
    assert (brought(up, "good.csv") / "good.csv").read_text() == "evil"
    with pytest.raises(DataError, match=r"of one name each, inside their folder, got `a\.csv`"):
        brought(origin.tree(("100644", blob, "a.csv"), ("100644", origin.blob(b"other"), "a.csv")), "a.csv")


def test_files_that_are_too_long_are_refused_packed_or_not(
    origin: Origin, brought: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = origin.commit({"zeros.bin": bytes(3_000_000)})  # a few kilobytes when packed
    with pytest.raises(DataError, match=r"`largest_megabytes`: expected at most 1,000,000 bytes.*got 3,000,000"):
        brought(zeros, "zeros.bin", largest_megabytes=1)
    noise = origin.commit({"noise.bin": os.urandom(3_000_000)})
    monkeypatch.setattr(git_objects, "OVERHEAD", 0)
    with pytest.raises(DataError, match=r"expected at most 1,000,000 bytes.*got more, packed"):
        brought(noise, "noise.bin", largest_megabytes=1)


def test_trees_that_hold_each_other_are_no_endless_list(
    origin: Origin, brought: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = origin.git("mktree", given=f"100644 blob {origin.blob(b'x')}\tx\n".encode())
    for _ in range(7):
        tree = origin.git("mktree", given="".join(f"040000 tree {tree}\t{n}\n" for n in range(10)).encode())
    commit = origin.tree(("40000", tree, "bomb"))
    monkeypatch.setattr(git_objects, "MOST_LISTED", 1_000_000)
    with pytest.raises(DataError, match=r"expected at most 1,000,000 bytes of names, got more; name a `folder`"):
        brought(commit, "*")


def test_a_transfer_that_takes_too_long_is_ended(
    origin: Origin, brought: Bring, configured: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = origin.commit({"rows.csv": ROWS})
    configured("remote.origin.uploadpack", "sleep 60;")
    monkeypatch.setattr(git_objects, "SECONDS", 0.3)
    with pytest.raises(DataError, match=r"expected an answer within 0\.3 seconds, got none"):
        brought(commit, "rows.csv")


def test_what_a_killed_fetch_left_is_cleared_and_it_begins_again(
    origin: Origin, make_recipe: MakeRecipe, project: Path
) -> None:
    source = {"kind": "git", "url": URL, "commit": origin.commit({"rows.csv": ROWS}), "paths": ["rows.csv"]}
    make_recipe(source, TABLE)
    half = project / "data/mine/.raw.git.0123/sparse/objects/pack"
    half.mkdir(parents=True)
    (half / "tmp_pack_1").write_bytes(bytes(1000))
    assert main(["fetch", "mine"]) == 0
    assert [path.name for path in (project / "data/mine").iterdir()] == ["raw"]
    assert (project / "data/mine/raw/rows.csv").read_text() == ROWS


def test_what_git_says_is_one_message_without_a_login(
    origin: Origin, brought: Bring, make_recipe: MakeRecipe, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = origin.commit({"rows.csv": ROWS})
    with pytest.raises(DataError, match=rf"`url`: expected .* from {URL}, got .*not our ref {'0' * 40}"):
        brought("0" * 40, "rows.csv")
    with pytest.raises(DataError, match=f"expected a commit of {URL}, got"):
        brought(origin.blob(ROWS.encode()), "rows.csv")
    with pytest.raises(DataError, match=rf"expected files of {URL}, got `rows`, `\*\.png`; look at the files of"):
        brought(commit, "rows", "*.png", "rows.csv")
    with pytest.raises(DataError, match="`folder`: expected a folder of"):
        brought(commit, "rows.csv", folder="no/where")
    assert not (project / "data/mine/raw").exists()
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(DataError, match="expected the program git, got none; install it"):
        brought(commit, "rows.csv")


@pytest.mark.parametrize(
    "url",
    [
        *("--upload-pack=touch x", "ext::sh -c touch% x", "https://-oProxyCommand=x/y", "ssh://-oProxyCommand=x/y"),
        *("https://me:secret@example.org/x", "file://host/x", "/etc", "../x", "https://example.org/a b", "fd::17/foo"),
    ],
)
def test_addresses_that_would_run_something_or_hold_a_password_are_refused(url: str, make_recipe: MakeRecipe) -> None:
    with pytest.raises(RecipeError, match=r"data\.source\.(git\.)?url"):
        make_recipe({"kind": "git", "url": url, "commit": "0" * 40, "paths": ["x"]}, TABLE)


@pytest.mark.parametrize("commit", ["main", "0123456", "0" * 39, "0" * 41, "--all"])
def test_a_commit_is_named_by_its_whole_id(commit: str, make_recipe: MakeRecipe) -> None:
    with pytest.raises(RecipeError, match=r"data\.source\.(git\.)?commit"):
        make_recipe({"kind": "git", "url": URL, "commit": commit, "paths": ["x"]}, TABLE)
