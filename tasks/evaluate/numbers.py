"""The evaluation for machines: `evaluation.json`."""

import json
from pathlib import Path

from tasks.core.files import whole_file
from tasks.evaluate.evaluate import Evaluation

JSON = "evaluation.json"


def write_numbers(evaluation: Evaluation, chosen: str, directory: Path) -> Path:
    """Writes everything that was found into `directory` and returns the path; `chosen` is the model that ships."""
    content = {
        "chosen": chosen,
        "scores": [score.model_dump(mode="json") for score in evaluation.scores],
        "gains": {name: gain.model_dump(mode="json") for name, gain in evaluation.gains.items()},
        "constant": evaluation.constant.model_dump(mode="json"),
        "notes": list(evaluation.notes),
    }
    with whole_file(directory / JSON) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return directory / JSON
