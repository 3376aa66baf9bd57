"""Model versions and aliases in MLflow: the only place that writes to its registry, under one lock."""

from collections.abc import Mapping

from filelock import FileLock

from tasks.tracking import client
from tasks.workspace import state_dir

KEY = "stillhouse.key"


def ensure_version(model: str, key: str, source: str, run_id: str, tags: Mapping[str, str]) -> int:
    """Returns the version of `model` that carries `key`, made if there is none.

    MLflow makes a new version whenever it is asked to, so looking and making happen under one lock.
    """
    with registry_lock():
        if not client().search_registered_models(f"name = '{model}'"):
            client().create_registered_model(model)
        found = client().search_model_versions(f"name = '{model}' and tags.`{KEY}` = '{key}'")
        if found:
            return min(int(version.version) for version in found)
        made = client().create_model_version(model, source, run_id, tags={KEY: key, **tags})
        return int(made.version)


def move_alias(model: str, alias: str, version: int | None) -> None:
    """Points an alias at a version, or takes it away; nothing is written where that is so already."""
    if alias_target(model, alias) == version:
        return
    if version is None:
        client().delete_registered_model_alias(model, alias)
    else:
        client().set_registered_model_alias(model, alias, str(version))


def alias_target(model: str, alias: str) -> int | None:
    """Returns the version that an alias points to in MLflow."""
    aliases = client().get_registered_model(model).aliases
    return int(aliases[alias]) if alias in aliases else None


def registry_lock() -> FileLock:
    """Returns the one lock around the registry and the promotions; the same process may take it twice."""
    return FileLock(state_dir() / "registry.lock", timeout=120, is_singleton=True)
