"""Whether data has the schema of before: what a sample looks like may change with the recipe, never by itself."""

from collections.abc import Mapping
from typing import Any

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
        [f"`{feature}`" for feature in some.feature_names if feature not in others.feature_names]
        for some, others in ((before, now), (now, before))
    )
    told = [f"{word} {_shown(names)}" for word, names in (("without", gone), ("with", new)) if names]
    got = ", ".join([sample_in_words(now.input), *told])
    do = f"correct the source; if that is meant, raise `data.schema_version` in `params/{name}.yaml`"
    return mismatch(f"data of {name}", "schema", f"{sample_in_words(before.input)}, as in the last version", got, do)


def _asked(stage: Stage, raw: str) -> dict[str, Any]:
    deps = {dep["path"]: dep["md5"] for dep in stage.get("deps", ()) if dep["path"] != raw}
    return {"params": stage.get("params"), "deps": deps}


def _schema(card: DatasetCard) -> tuple[object, ...]:
    return (sample_in_words(card.input), card.feature_names, tuple(column.name for column in card.columns))


def sample_in_words(spec: InputSpec) -> str:
    """Returns what a sample is; how long the longest is where lengths differ, is no part of that."""
    return find_layout(spec.layout).in_words(spec)


def _shown(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
