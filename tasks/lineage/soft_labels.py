"""Which soft labels on this machine a student learned from: views of its teacher on its data, by their keys."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.scores import EvaluationRecord

KEY = "key.json"


def soft_labels(evaluation: EvaluationRecord, store: Path) -> dict[str, str]:
    """Returns what is on record of them: of whom, and the key of each view that is kept (a digest) with what it is of.

    They are a cache: a view that is gone is computed again, and each is compared with its teacher before it is used.
    """
    taught = {"of teacher": evaluation.teacher.digest, "of data": evaluation.data.digest}
    return taught | dict(_views(store, evaluation.teacher.digest, evaluation.data.digest))


def _views(store: Path, teacher: str, data: str) -> Iterator[tuple[str, str]]:
    for path in sorted(store.glob(f"*/{KEY}")):
        key = _read(path)
        if (key.get("teacher"), key.get("data")) == (teacher, data):
            augmented = "as it is" if key.get("augmentation") == "none" else "augmented"
            yield f"key {path.parent.name}", f"view {key.get('view')}, {augmented}"


def _read(path: Path) -> Mapping[str, Any]:
    try:
        key = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return key if isinstance(key, dict) else {}
