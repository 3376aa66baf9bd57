"""Whether data has the schema of before: what a sample looks like may change with the recipe, never by itself.

The columns of a table and their types are its schema. Their categories are data, and may come and go.
"""

from collections.abc import Mapping
from typing import Any

from tasks.contracts.raw_columns import column_types
from tasks.contracts.records import DatasetCard, InputSpec
from tasks.core.errors import mismatch
from tasks.layouts import find_layout

SHOWN = 5
Stage = Mapping[str, Any]
"""what `dvc.lock` says of a stage"""


def only_data_differs(before: Stage, now: Stage, raw: str) -> bool:
    """Says whether a stage was asked the same of other files: its section of the recipe and its code are the same."""
    return all(_asked(before, raw)[part] == _asked(now, raw)[part] for part in ("params", "deps"))


def schema_change(name: str, before: DatasetCard, now: DatasetCard) -> str:
    """Returns in a message how a sample of now differs from those of before; empty where it looks the same."""
    then, today = _schema(before), _schema(now)
    if then == today:
        return ""
    gone, new = (
        [f"`{name}`" for name in _names(some) if name not in _names(others)]
        for some, others in ((before, now), (now, before))
    )
    told = [f"{word} {_shown(names)}" for word, names in (("without", gone), ("with", new)) if names]
    told += _other_types(column_types(before.preprocessing), column_types(now.preprocessing))
    got = ", ".join([sample_in_words(now.input), *told])
    do = f"correct the source; if that is meant, raise `data.schema_version` in `params/{name}.yaml`"
    return mismatch(f"data of {name}", "schema", f"{sample_in_words(before.input)}, as in the last version", got, do)


def _asked(stage: Stage, raw: str) -> dict[str, Any]:
    deps = {dep["path"]: dep["md5"] for dep in stage.get("deps", ()) if dep["path"] != raw}
    return {"params": stage.get("params"), "deps": deps}


def _schema(card: DatasetCard) -> tuple[object, ...]:
    targets = tuple(column.name for column in card.columns)
    if types := column_types(card.preprocessing):
        return (types, targets)
    return (sample_in_words(card.input), card.feature_names, targets)


def _names(card: DatasetCard) -> tuple[str, ...]:
    return tuple(column_types(card.preprocessing)) or card.feature_names


def _other_types(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [f"`{name}` of type {now[name]}, not {old}" for name, old in before.items() if now.get(name, old) != old]


def sample_in_words(spec: InputSpec) -> str:
    """Returns what a sample is; how long the longest is where lengths differ, is no part of that."""
    return find_layout(spec.layout).in_words(spec)


def _shown(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
