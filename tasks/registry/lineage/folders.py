"""Folders that DVC versions: whether one has the files that its md5 means, without a call of DVC."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tasks.core.files import md5_of

CACHE = ".dvc/cache/files/md5"
SUFFIX, LOCK = ".dir", "dvc.lock"


def folder_states(project: Path, folder: Path, md5: str) -> Iterator[tuple[str, str]]:
    """Yields each file of a folder and `ok`, `changed` or `missing`; the folder alone where its files are unknown.

    DVC's md5 of a folder is that of the list of its files and their md5s, which DVC's cache keeps. Where `dvc.lock`
    says that another version is in the folder by now, it is the files in the cache that are looked at.

    Args:
        project: where DVC's cache is.
        folder: on disk; where it is not there, it is `elsewhere`: DVC's remote has it.
        md5: as in `dvc.lock`.
    """
    if not folder.is_dir():
        yield folder.name, "elsewhere"
        return
    if not is_current(folder, md5):
        yield from _cached_states(project, folder, md5)
        return
    found = {path.relative_to(folder).as_posix(): md5_of(path) for path in folder.rglob("*") if path.is_file()}
    listed = found if md5 == _md5_of_list(_listing(found)) else _listed(project, md5)
    if listed is None:
        yield folder.name, "changed"
        return
    for name in sorted(found.keys() | listed.keys()):
        yield f"{folder.name}/{name}", _state(found.get(name), listed.get(name))


def is_current(folder: Path, md5: str) -> bool:
    """Says whether `dvc.lock` has that version in a folder `data/NAME/...`, be its files damaged or not."""
    project = folder.resolve().parents[2]
    lock = project / LOCK
    if not lock.is_file():
        return True
    stages: dict[str, Any] = (yaml.safe_load(lock.read_text(encoding="utf-8")) or {}).get("stages", {})
    outs = [out for stage in stages.values() for out in stage.get("outs", [])]
    locked = [out["md5"] for out in outs if project / out["path"] == folder.resolve()]
    return not locked or md5 in locked


def _cached_states(project: Path, folder: Path, md5: str) -> Iterator[tuple[str, str]]:
    files = cached_files(project, md5)
    if files is None:
        yield folder.name, "elsewhere"
        return
    for name, path in sorted(files.items()):
        expected = f"{path.parent.name}{path.name}"
        yield f"{folder.name}/{name}", _state(md5_of(path) if path.is_file() else None, expected)


def cached_files(project: Path, md5: str) -> dict[str, Path] | None:
    """Returns where DVC's cache has each file of a folder; None where the cache does not have the folder.

    Args:
        project: where DVC's cache is.
        md5: of the folder, as in `dvc.lock`.
    """
    listed = _listed(project, md5)
    return None if listed is None else {name: project / CACHE / md5[:2] / md5[2:] for name, md5 in listed.items()}


def _state(found: str | None, listed: str | None) -> str:
    if found is None:
        return "missing"
    return "ok" if found == listed else "changed"


def _listing(files: dict[str, str]) -> list[dict[str, str]]:
    return [{"md5": md5, "relpath": name} for name, md5 in sorted(files.items(), key=lambda file: file[0].split("/"))]


def _listed(project: Path, md5: str) -> dict[str, str] | None:
    """Returns the list in DVC's cache; None where it is not there, or is another one."""
    digest = md5.removesuffix(SUFFIX)
    path = project / CACHE / digest[:2] / f"{digest[2:]}{SUFFIX}"
    if not path.is_file() or f"{md5_of(path)}{SUFFIX}" != md5:
        return None
    listing: list[dict[str, Any]] = json.loads(path.read_bytes())
    return {str(entry["relpath"]): str(entry["md5"]) for entry in listing}


def _md5_of_list(listing: list[dict[str, str]]) -> str:
    content = json.dumps(listing, sort_keys=True).encode()
    return hashlib.md5(content, usedforsecurity=False).hexdigest() + SUFFIX
