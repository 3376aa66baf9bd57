"""Which soft labels on this machine a student learned from: views of its teacher on its data, by their keys."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.contracts.scores import EvaluationRecord

KEY = "key.json"


def soft_labels(evaluation: EvaluationRecord, store: Path) -> dict[str, str]:
    """Returns what is on record of them: of whom, how many views are kept, and the key of each (a digest).

    They are a cache: a view that is gone is computed again, and each is compared with its teacher before it is used.
    """
    teacher, data = evaluation.teacher.digest, evaluation.data.digest
    keys = tuple(_keys(store, teacher, data))
    facts = {"of teacher": teacher, "of data": data, "views kept": f"{len(keys)}"}
    return facts | ({"keys": " ".join(keys)} if keys else {})


def _keys(store: Path, teacher: str, data: str) -> Iterator[str]:
    for path in sorted(store.glob(f"*/{KEY}")):
        key = _read(path)
        if (key.get("teacher"), key.get("data")) == (teacher, data):
            yield path.parent.name


def _read(path: Path) -> Mapping[str, Any]:
    try:
        key = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return key if isinstance(key, dict) else {}
