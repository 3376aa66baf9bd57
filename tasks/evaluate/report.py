"""The evaluation for machines (`evaluation.json`) and, as a Markdown table, for people."""

import json
from pathlib import Path

from tasks.evaluate.evaluate import Evaluation
from tasks.files import whole_file
from tasks.scores import Interval, Score

JSON, MARKDOWN = "evaluation.json", "evaluation.md"
COLUMNS = ("model", "accuracy", "macro F1", "agreement", "calibration error", "parameters", "bytes", "p50 ms", "p95 ms")


def write_report(evaluation: Evaluation, chosen: str, directory: Path) -> tuple[Path, Path]:
    """Writes both files into `directory` and returns their paths; `chosen` is the model that ships."""
    contents = {JSON: as_json(evaluation, chosen), MARKDOWN: as_markdown(evaluation, chosen)}
    for name, content in contents.items():
        with whole_file(directory / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return directory / JSON, directory / MARKDOWN


def as_json(evaluation: Evaluation, chosen: str) -> str:
    """Returns everything that was found."""
    content = {
        "chosen": chosen,
        "scores": [score.model_dump(mode="json") for score in evaluation.scores],
        "gain": evaluation.gain.model_dump(mode="json"),
        "notes": list(evaluation.notes),
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def as_markdown(evaluation: Evaluation, chosen: str) -> str:
    """Returns a table with one row per model, the gain, and the notes."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(_row(score, chosen) for score in evaluation.scores)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    gain = f"Distillation changes the student's accuracy by {_percent(evaluation.gain, '+')}."
    return "\n\n".join([table, gain, *(f"- {note}" for note in evaluation.notes)]) + "\n"


def _row(score: Score, chosen: str) -> tuple[str, ...]:
    return (
        f"**{score.name}** (ships)" if score.name == chosen else score.name,
        _percent(score.accuracy),
        _percent(score.macro_f1),
        _percent(score.agreement),
        f"{score.calibration_error:.3f}",
        f"{score.parameters:,}",
        f"{score.size:,}",
        f"{score.p50_ms:.3f}",
        f"{score.p95_ms:.3f}",
    )


def _percent(interval: Interval, sign: str = "") -> str:
    value, low, high = (f"{100 * end:{sign}.1f}" for end in (interval.value, interval.low, interval.high))
    return f"{value} % ({low} to {high})"
