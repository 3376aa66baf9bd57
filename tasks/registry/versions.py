"""Model versions and aliases in MLflow: the only place that writes to its registry, under one lock."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext

from filelock import FileLock

from tasks.core.workspace import state_dir
from tasks.registry.ledger.database import exclusive_ledger
from tasks.tracking.runs import client

KEY = "stillhouse.key"
PATIENCE_SECONDS = 120.0


def ensure_version(
    model: str,
    key: str,
    source: str,
    run_id: str,
    tags: Mapping[str, str],
    description: str | None = None,
    model_id: str | None = None,
) -> int:
    """Returns the version of `model` that carries `key`, made if there is none.

    MLflow makes a new version whenever it is asked to, so looking and making happen under one lock.

    Args:
        model: the name of the registered model.
        key: what the version is made of, as a digest.
        source: where its files are, or `models:/ID` of a model in MLflow.
        run_id: of the run that registers it.
        tags: of the version.
        description: in Markdown.
        model_id: of the model in MLflow.
    """
    with registry_lock():
        if not client().search_registered_models(f"name = '{model}'"):
            client().create_registered_model(model)
        found = client().search_model_versions(f"name = '{model}' and tags.`{KEY}` = '{key}'")
        if found:
            return min(int(version.version) for version in found)
        labels = {KEY: key, **tags}
        made = client().create_model_version(model, source, run_id, labels, description=description, model_id=model_id)
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


def aliases_of(model: str) -> Mapping[str, int]:
    """Returns alias -> version in MLflow; none for a model that is not there."""
    (found,) = client().search_registered_models(f"name = '{model}'") or (None,)
    return {alias: int(version) for alias, version in found.aliases.items()} if found else {}


def versions_of(model: str) -> frozenset[int]:
    """Returns the versions of a model that are in MLflow."""
    return frozenset(int(found.version) for found in client().search_model_versions(f"name = '{model}'"))


def delete_version(model: str, version: int) -> None:
    """Takes a version out of MLflow; its number is never given again. MLflow would take its aliases away with it."""
    with registry_lock():
        client().delete_model_version(model, str(version))


@contextmanager
def registry_lock() -> Iterator[None]:
    """Holds the one lock around the registry and the promotions; the same thread may take it twice.

    It is a file for the processes of this machine, and a lock in the database of the ledger for all that share it.
    """
    here = FileLock(state_dir() / "registry.lock", timeout=PATIENCE_SECONDS, is_singleton=True)
    with here, exclusive_ledger() if here.lock_counter == 1 else nullcontext():
        yield
