"""DVC's cache, as files: objects named after the md5 of their bytes, and lists of such names for folders."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tasks.core.files import md5_of
from tasks.upkeep.finding import Finding

STORES = (".dvc/cache/files/md5", ".stillhouse/dvc-remote/files/md5")
SAMPLE = 20
"""objects that are hashed in each store without `--deep`"""
LARGEST_BYTES = 64 * 2**20
"""of an object in the sample"""


def recorded_data(project: Path) -> Iterator[Finding]:
    """Yields what `dvc.lock` records of recipes that are not there."""
    recipes = {path.stem for path in (project / "params").glob("*.yaml")}
    locked = (name.partition("@") for name in _yaml(project / "dvc.lock").get("stages", {}))
    for name in sorted({name for stage, _, name in locked if stage == "prepare"} - recipes):
        repair = f"git checkout -- params/{name}.yaml   (or take its stages out of dvc.lock)"
        yield Finding(f"`dvc.lock`: `prepare@{name}`: expected a recipe of that name, got none", repair)


def incomplete_folders(project: Path) -> Iterator[Finding]:
    """Yields the data versions of which the cache has the list of files but not all files."""
    for store in _stores(project):
        for listed in sorted(store.glob("??/*.dir")):
            missing = [one for one in _names(listed) if not _object(store, one).is_file()]
            if missing:
                got = f"{len(missing):,} of them missing"
                repair = f"rm {listed} && stillhouse run RECIPE"
                yield Finding(f"`{listed}`: expected the files of its list in the cache, got {got}", repair)


def corrupted_objects(project: Path, deep: bool) -> Iterator[Finding]:
    """Yields objects whose bytes have another md5 than their name: of a random sample of small ones, or of all."""
    for store in _stores(project):
        objects = sorted(path for path in store.glob("??/*") if path.is_file())
        if not deep:
            small = [path for path in objects if path.stat().st_size <= LARGEST_BYTES]
            objects = random.sample(small, min(SAMPLE, len(small)))
        for path in objects:
            expected, got = f"{path.parent.name}{path.name}".removesuffix(".dir"), md5_of(path)
            if got != expected:
                repair = f"rm -f {path} && stillhouse run RECIPE"
                yield Finding(f"`{path}`: expected content of md5 {expected}, got {got}", repair)


def _stores(project: Path) -> Iterator[Path]:
    return (project / store for store in STORES if (project / store).is_dir())


def _names(listed: Path) -> list[str]:
    """Returns the md5 of each file of a folder; none where the list is damaged, which its own md5 shows."""
    try:
        return [entry["md5"] for entry in json.loads(listed.read_bytes())]
    except (ValueError, KeyError, TypeError):
        return []


def _object(store: Path, md5: str) -> Path:
    return store / md5[:2] / md5[2:]


def _yaml(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return (yaml.load(path.read_text(encoding="utf-8"), loader) or {}) if path.is_file() else {}
